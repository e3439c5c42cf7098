"""Parse and check the environment variables, for the settings and `manage.py`.

django-environ parses the URLs. Reading has no side effects: `manage.py prepare` creates the data
directory and the secrets in it (see `chatflow.secret_files`).
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SCHEME_PORTS = {"http": 80, "https": 443}
SMTPS_PORT = 465
MESSAGE_KEY_BYTES = 32


class EnvironmentProblem(ImproperlyConfigured):
    """All problems with the environment, one line for each variable."""


def load_dotenv(path: Path) -> None:
    """Add the variables of a `.env` file to the environment, except those that are already set."""
    if path.is_file():
        environ.Env.read_env(str(path), overwrite=False)


def data_directory(variables: Mapping[str, str], *, project: Path) -> Path:
    """Return DATA_DIR. Raises RuntimeError for the home directory of an unknown user."""
    return Path(variables.get("DATA_DIR", "").strip() or project / "var").expanduser().resolve()


def read_environment(variables: Mapping[str, str], *, project: Path) -> SimpleNamespace:
    """Return the value of each variable and of the two secrets, with names in lower case.

    An empty variable counts as missing. Raises EnvironmentProblem, which lists all problems.
    """
    given = {name: text.strip() for name, text in variables.items() if text.strip()}
    given.setdefault("DATA_DIR", str(project / "var"))
    env, values, problems = environ.Env(), SimpleNamespace(), []
    env.ENVIRON = given
    for name, (cast, default, expected) in VARIABLES.items():
        try:
            value = env.get_value(name, cast=cast, default=default)
        except (ValueError, RuntimeError, ImproperlyConfigured):
            problems.append(f"{name} must be {expected}.")
            value = default
        setattr(values, name.lower(), value)
    values.public_url = values.public_url or f"http://localhost:{values.port}"
    secrets: dict[str, Callable[[str], Any]] = {"SECRET_KEY": str, "MESSAGE_KEYS": _message_keys}
    for name, cast in secrets.items():
        try:
            setattr(values, name.lower(), cast(_secret(name, given, values.data_dir)))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise EnvironmentProblem("\n".join(problems))
    return values


def allowed_hosts(public_url: str) -> list[str]:
    host = urlsplit(public_url).hostname or ""
    return list(dict.fromkeys([_bracketed(host), *LOOPBACK_HOSTS]))


def allowed_origins(public_url: str, port: int) -> list[str]:
    """Return the origins whose pages may open a socket or post a form."""
    return list(
        dict.fromkeys([public_url, *(_origin(f"http://{host}:{port}") for host in LOOPBACK_HOSTS)])
    )


def _secret(name: str, given: Mapping[str, str], data_dir: Path | None) -> str:
    """Return the variable, or for the embedded database the file that `prepare` created."""
    if name in given:
        return given[name]
    if "DATABASE_URL" in given:
        raise ValueError(
            f"{name} must be set beside DATABASE_URL: every process has to share the same one."
        )
    try:
        return (data_dir or Path()).joinpath(name.lower()).read_text(encoding="ascii").strip()
    except OSError:
        raise ValueError(
            f"{name} is not set and not kept in DATA_DIR yet: run `manage.py prepare` first."
        ) from None


def _message_keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    try:
        lengths = {len(base64.urlsafe_b64decode(key)) for key in keys}
    except ValueError:
        lengths = set()
    if lengths != {MESSAGE_KEY_BYTES}:
        raise ValueError(
            "MESSAGE_KEYS must be url-safe base64 keys of 32 bytes, separated by commas."
        )
    return keys


# --- casts: each raises ValueError for a wrong value ----------------------------------------------


def _directory(text: str) -> Path:
    """Return the path. It, or its nearest existing parent, must be a writable directory."""
    path = Path(text).expanduser().resolve()
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ValueError(text)
    return path


def _matching(pattern: str, cast: Callable[[str], Any] = str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return cast(text)

    return parse


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


def _database_url(text: str) -> str:
    environ.Env.db_url_config(_url(text, "postgres", "postgresql"))
    return text


def _redis_url(text: str) -> str:
    return _url(text, "redis", "rediss")


def _email_url(text: str) -> str:
    """Return a URL for django-environ, which uses STARTTLS for smtps. Port 465 is TLS at once."""
    parts = urlsplit(_url(text, "consolemail", "smtp", "smtps"))
    if parts.scheme != "consolemail" and not parts.hostname:
        raise ValueError(text)
    if parts.scheme == "smtps" and parts.port in (None, SMTPS_PORT):
        return urlunsplit(parts._replace(scheme="smtp+ssl"))
    return text


def _sender(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(text)[1]):
        raise ValueError(text)
    return text


def _origin(text: str) -> str:
    """Return the origin as browsers send it: lower case, ASCII, without the default port."""
    parts = urlsplit(_url(text, *SCHEME_PORTS))
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if not parts.hostname or not is_bare:
        raise ValueError(text)
    host = _bracketed(parts.hostname.encode("idna").decode())
    port = f":{parts.port}" if parts.port not in (None, SCHEME_PORTS[parts.scheme]) else ""
    return f"{parts.scheme}://{host}{port}"


def _url(text: str, *schemes: str) -> str:
    if urlsplit(text).scheme not in schemes:
        raise ValueError(text)
    return text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


VARIABLES: dict[str, tuple[Callable[[str], Any], Any, str]] = {
    "DATA_DIR": (_directory, None, "a writable directory"),
    "PORT": (_port, 8000, "a port number from 1 to 65535"),
    "BIND": (str, "127.0.0.1", "an address of this machine"),
    "DEBUG": (_matching("[01]", lambda text: text == "1"), False, "0 or 1"),
    "DATABASE_URL": (_database_url, "", "a postgres:// URL"),
    "REDIS_URL": (_redis_url, "", "a redis:// or rediss:// URL"),
    "PUBLIC_URL": (_origin, "", "an http:// or https:// address without a path"),
    "TRUSTED_PROXIES": (_matching("[0-9]+", int), 0, "a whole number"),
    "REGISTRATION": (_matching("open|closed"), "open", "“open” or “closed”"),
    "THROTTLE": (_matching("on|off"), "on", "“on” or “off”"),
    "ATTACHMENT_MAX_MB": (_matching("[1-9][0-9]{0,3}", int), 25, "a whole number from 1 to 9999"),
    "ATTACHMENT_QUOTA_MB": (_matching("[0-9]{1,9}", int), 1000, "a whole number of MiB"),
    "ATTACHMENT_TOTAL_MB": (_matching("[0-9]{1,9}", int), 20_000, "a whole number of MiB"),
    "LOG_FORMAT": (_matching("text|json"), "text", "“text” or “json”"),
    "METRICS_TOKEN": (str, "", "a token"),
    "EMAIL_URL": (
        _email_url,
        "consolemail://",
        "an smtp:// or smtps:// URL with a host, or consolemail://",
    ),
    "EMAIL_FROM": (_sender, "", "an email address, or a name and one in <>"),
}
