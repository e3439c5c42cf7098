"""Django's settings: the environment, read once, turned into what each library wants."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.utils.crypto import salted_hmac

from chatflow import postgres
from chatflow.environment import load_dotenv, read_environment

BASE_DIR = Path(__file__).resolve().parent.parent

load_dotenv(BASE_DIR / ".env")
ENVIRONMENT = read_environment(os.environ, project=BASE_DIR)

# --- the process ---------------------------------------------------------------------------------

DEBUG = ENVIRONMENT.debug
BIND = ENVIRONMENT.bind
PORT = ENVIRONMENT.port
DATA_DIR = ENVIRONMENT.data_dir
EMBEDDED = ENVIRONMENT.is_embedded
ALONE = ENVIRONMENT.is_alone
PUBLIC_URL = ENVIRONMENT.public_url
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
REGISTRATION_OPEN = ENVIRONMENT.registration_open
THROTTLE_ON = ENVIRONMENT.throttle_on
METRICS_TOKEN = ENVIRONMENT.metrics_token
SHUTDOWN_SECONDS = 10

ROOT_URLCONF = "chatflow.urls"
ASGI_APPLICATION = "chatflow.asgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "daphne",  # first, so that runserver speaks WebSocket
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "chatflow",
    "accounts",
    "conversations",
    "messaging",
]

MIDDLEWARE = [
    "chatflow.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chatflow.proxies.TrustedProxies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "chatflow.errors.DomainErrorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "compiled",
        "DIRS": [BASE_DIR / "templates" / "compiled"],
        "OPTIONS": {"environment": "chatflow.compiled.environment"},
    },
]

# --- where things are kept -----------------------------------------------------------------------

if ENVIRONMENT.database_url:
    DATABASES = {"default": environ.Env.db_url_config(ENVIRONMENT.database_url)}
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # the pool keeps connections; Django must give back
    DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
        "pool": {
            "min_size": 2,
            "max_size": 20,
            "timeout": 5,
            "connection_class": postgres.Connection,
        },
        "connect_timeout": 3,
        "options": f"-c statement_timeout={postgres.STATEMENT_SECONDS}s "
        f"-c lock_timeout={postgres.LOCK_SECONDS}s",
        **postgres.TCP,
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "chatflow.sqlite",
            "NAME": DATA_DIR / "chatflow.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 5,
                # FULL: what is acknowledged survives a power cut, at the price of an fsync a commit
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
            },
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    }

REDIS_URL = ENVIRONMENT.redis_url
if REDIS_URL:
    REDIS_HOST = {
        "address": REDIS_URL,
        "socket_connect_timeout": 2,
        "health_check_interval": 15,
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [REDIS_HOST],
                "symmetric_encryption_keys": list(ENVIRONMENT.message_keys),
            },
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "chatflow.realtime.MemoryLayer",
            "CONFIG": {"capacity": 10_000},  # no event may be dropped
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

MEDIA_ROOT = DATA_DIR / "uploads"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatflow.storage.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# --- who people are ------------------------------------------------------------------------------

SECRET_KEY = ENVIRONMENT.secret_key
MESSAGE_KEYS = ENVIRONMENT.message_keys
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]  # permissions
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "accounts.hashers.BoundedArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The session holds only the id of a Login row, which is what can be revoked; a session store
# beside it would be a second truth and a second query.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFETIME,
    "SIGNING_KEY": salted_hmac("chatflow.jwt", b"signing", secret=SECRET_KEY).hexdigest(),
}

PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())

# --- mail ----------------------------------------------------------------------------------------

vars().update(environ.Env.email_url_config(ENVIRONMENT.email_url))  # EMAIL_BACKEND, EMAIL_HOST …
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENVIRONMENT.sender

# --- what browsers are told ----------------------------------------------------------------------

ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.allowed_origins
ALLOWED_ORIGINS = ENVIRONMENT.allowed_origins
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if ENVIRONMENT.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # what else runs below this host is not ours to break
    "security.W008",  # the proxy redirects; without one there is no https
    "security.W021",  # preloading a domain is its owner's decision
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# By this name browsers take the cookie from this very host alone, over https. CSRF's keeps its
# usual name, by which scripts and programs know it: it only has to be the same twice.
SESSION_COOKIE_NAME = "__Host-sessionid" if ENVIRONMENT.is_https else "sessionid"
MARK_COOKIE_NAME = "__Host-mark" if ENVIRONMENT.is_https else "mark"
LANGUAGE_COOKIE_SECURE = ENVIRONMENT.is_https
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "chatflow.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],  # connections as well, and sockets with them
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-src": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- the JSON API --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "chatflow.schema.Schema",
    "EXCEPTION_HANDLER": "chatflow.errors.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ChatFlow",
    "DESCRIPTION": "Conversations, messages and everything around them. Live events: `/ws`.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chatflow.examples.add_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ConversationKind": [("direct", "direct chat"), ("group", "group")],
        "MessageKind": [("text", "text"), ("system", "notice")],
        "LoginKind": [("browser", "browser"), ("api", "program")],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
AVATAR_MAX_BYTES = 10 * 1024 * 1024

# --- languages, times, logs ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "chatflow" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"},
        "json": {"()": "chatflow.logs.JsonFormatter"},
    },
    "filters": {"request_id": {"()": "chatflow.logs.AddRequestId"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if ENVIRONMENT.json_logs else "text",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "daphne": {"level": "WARNING"},
    },
}
