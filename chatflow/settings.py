"""Django's settings, built from the environment variables."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.utils.crypto import salted_hmac

from chatflow.db import postgres
from chatflow.environment import allowed_hosts, allowed_origins, load_dotenv, read_environment

BASE_DIR = Path(__file__).resolve().parent.parent

load_dotenv(BASE_DIR / ".env")
ENVIRONMENT = read_environment(os.environ, project=BASE_DIR)

# --- the process ---------------------------------------------------------------------------------

DEBUG = ENVIRONMENT.debug
BIND = ENVIRONMENT.bind
PORT = ENVIRONMENT.port
DATA_DIR = ENVIRONMENT.data_dir
EMBEDDED = not ENVIRONMENT.database_url and not ENVIRONMENT.redis_url  # only DATA_DIR is needed
ALONE = not ENVIRONMENT.redis_url  # events are kept in memory, so only one process may serve
PUBLIC_URL = ENVIRONMENT.public_url
HTTPS = PUBLIC_URL.startswith("https://")
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
REGISTRATION_OPEN = ENVIRONMENT.registration == "open"
THROTTLE_ON = ENVIRONMENT.throttle == "on"
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
    "chatflow.server.proxies.TrustedProxies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "chatflow.server.bodies.RefuseLargeBodies",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.auth.middleware.LoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.auth.middleware.PageUserMiddleware",
    "chatflow.limits.reads.ReadLimitMiddleware",
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
            "libraries": {"translate_once": "chatflow.translate_once"},
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "OPTIONS": {"environment": "chatflow.jinja.environment"},
    },
]

# --- databases, cache, files ---------------------------------------------------------------------

if ENVIRONMENT.database_url:
    DATABASES = {"default": environ.Env.db_url_config(ENVIRONMENT.database_url)}
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # the pool keeps connections, so Django returns them
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
            "ENGINE": "chatflow.db.sqlite",
            "NAME": DATA_DIR / "chatflow.sqlite3",
            "CONN_MAX_AGE": None,  # each worker thread keeps its connection
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 5,
                # FULL: acknowledged messages survive a power cut, at an fsync per commit
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
            },
            "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
        }
    }

REDIS_URL = ENVIRONMENT.redis_url
if REDIS_URL:
    REDIS_HOST = {
        "address": REDIS_URL,
        "socket_timeout": None,  # a subscription waits until something is published
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
            "OPTIONS": {
                "serializer": "chatflow.db.cache.JsonSerializer",
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
            },
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "chatflow.live.publishing.MemoryLayer",
            "CONFIG": {"capacity": 10_000},  # no event may be dropped
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

MEDIA_ROOT = DATA_DIR / "uploads"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "attachments": {"BACKEND": "messaging.attachments.storage.DurableFileStorage"},  # no URL
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatflow.storage.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# --- users and logins ----------------------------------------------------------------------------

SECRET_KEY = ENVIRONMENT.secret_key
MESSAGE_KEYS = ENVIRONMENT.message_keys
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]  # permissions
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "accounts.auth.hashers.BoundedArgon2",
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
# The session holds only the id of a Login, which can be revoked. A session store would need another
# query and could contradict it.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
SIMPLE_JWT = {
    "LEEWAY": timedelta(seconds=5),  # the clocks of two servers may differ
    "ACCESS_TOKEN_LIFETIME": ACCESS_TOKEN_LIFETIME,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_LIFETIME,
    "SIGNING_KEY": salted_hmac(
        "chatflow.jwt", b"signing", secret=SECRET_KEY, algorithm="sha256"
    ).hexdigest(),
}

PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())

# --- email ---------------------------------------------------------------------------------------

email = environ.Env.email_url_config(ENVIRONMENT.email_url)
EMAIL_BACKEND = email["EMAIL_BACKEND"]
EMAIL_HOST = email["EMAIL_HOST"]
EMAIL_PORT = email["EMAIL_PORT"]  # None is the default of the protocol
EMAIL_HOST_USER = email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = (
    ENVIRONMENT.email_from or f"ChatFlow <chatflow@{urlsplit(PUBLIC_URL).hostname}>"
)

# --- hosts, cookies, security headers ------------------------------------------------------------

ALLOWED_HOSTS = allowed_hosts(PUBLIC_URL)
ALLOWED_ORIGINS = CSRF_TRUSTED_ORIGINS = allowed_origins(PUBLIC_URL, PORT)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = False  # the proxy that terminates TLS redirects
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # other services below this host may not use HTTPS
    "security.W008",  # the proxy redirects; without one there is no HTTPS
    "security.W021",  # preloading is the decision of the domain's owner
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Browsers accept a cookie with this prefix only from this host and over HTTPS. The CSRF cookie has
# its usual name, which scripts and programs know.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
DEVICE_COOKIE_NAME = "__Host-device" if HTTPS else "device"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "chatflow.errors.csrf_failure"

# --- the JSON API --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.auth.authentication.BearerAuthentication",
        "accounts.auth.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["chatflow.limits.reads.ReadThrottle"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "chatflow.api.schema.Schema",
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
        "chatflow.api.examples.add_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ConversationKind": "conversations.models.Conversation.Kind",
        "MessageKind": "messaging.models.Message.Kind",
        "LoginKind": "accounts.models.Login.Kind",
        "AttachmentKind": "messaging.attachments.models.Attachment.Kind",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
AVATAR_MAX_BYTES = 10 * 1024 * 1024
ATTACHMENT_MAX_BYTES = ENVIRONMENT.attachment_max_mb * 1024 * 1024
ATTACHMENT_QUOTA_BYTES = ENVIRONMENT.attachment_quota_mb * 1024 * 1024
ATTACHMENT_TOTAL_BYTES = ENVIRONMENT.attachment_total_mb * 1024 * 1024
# Paths that accept a larger body than the others: a file and the form around it.
BODY_LIMITS = (
    (r"/(users/me|settings)/avatar", AVATAR_MAX_BYTES + DATA_UPLOAD_MAX_MEMORY_SIZE),
    (r"/conversations/[^/]+/attachments", ATTACHMENT_MAX_BYTES + DATA_UPLOAD_MAX_MEMORY_SIZE),
)

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
        "json": {"()": "chatflow.operations.logs.JsonFormatter"},
    },
    "filters": {
        "request_id": {"()": "chatflow.operations.logs.AddRequestId"},
        "suspicions": {"()": "chatflow.operations.logs.ShortenSuspicions"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if ENVIRONMENT.log_format == "json" else "text",
            "filters": ["request_id", "suspicions"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "daphne": {"level": "WARNING"},
    },
}
