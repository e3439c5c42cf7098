"""What the environment tells the process, read and checked once; `settings` alone reads it."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import environ
from django.core.exceptions import ImproperlyConfigured

Value = TypeVar("Value")

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SCHEME_PORTS = {"http": 80, "https": 443}
SMTPS_PORT = 465
MESSAGE_KEY_BYTES = 32
OWNER_ONLY = 0o700  # of a DATA_DIR that is made here; one that exists is as its owner wants it


class EnvironmentProblem(ImproperlyConfigured):
    """Everything that is wrong with the environment, a line each, so that one restart mends it.

    Whoever starts the process tells the lines and ends; a traceback would tell nothing more.
    """


@dataclass(frozen=True)
class Environment:
    debug: bool
    bind: str
    port: int
    data_dir: Path
    database_url: str
    redis_url: str
    secret_key: str
    message_keys: tuple[str, ...]
    public_url: str
    trusted_proxies: int
    registration_open: bool
    throttle_on: bool
    json_logs: bool
    metrics_token: str
    email_url: str
    email_from: str

    @property
    def is_embedded(self) -> bool:
        """True when nothing but this process and DATA_DIR is needed."""
        return not self.database_url and not self.redis_url

    @property
    def is_alone(self) -> bool:
        """True when events stay in this process's memory, so a second process would be deaf."""
        return not self.redis_url

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def allowed_hosts(self) -> list[str]:
        host = _bracketed(urlsplit(self.public_url).hostname or "")
        return list(dict.fromkeys([host, *LOOPBACK_HOSTS]))

    @property
    def sender(self) -> str:
        """Whom our mails are from."""
        host = urlsplit(self.public_url).hostname
        return self.email_from or f"ChatFlow <chatflow@{host}>"

    @property
    def allowed_origins(self) -> list[str]:
        """Origins whose pages may open a socket or post a form: ours and loopback on our port."""
        loopback = [_origin(f"http://{host}:{self.port}") for host in LOOPBACK_HOSTS]
        return list(dict.fromkeys([self.public_url, *loopback]))


def read_environment(variables: Mapping[str, str], *, project: Path) -> Environment:
    """The whole environment; raises EnvironmentProblem naming every missing or wrong variable."""
    return _Reader(variables).read(project)


def load_dotenv(path: Path) -> None:
    """Adds the lines of a `.env` file to the environment; what is already set there wins."""
    if path.is_file():
        environ.Env.read_env(str(path), overwrite=False)


@dataclass
class _Reader:
    variables: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def read(self, project: Path) -> Environment:
        data_dir = self.parsed(
            "DATA_DIR", str(project / "var"), _directory, "a directory that can be written"
        )
        port = self.parsed("PORT", "8000", _port, "a port number from 1 to 65535")
        database_url = self.parsed("DATABASE_URL", "", _database_url, "a postgres:// URL")
        stores_secrets = not self.text("DATABASE_URL")
        environment = Environment(
            debug=self.parsed("DEBUG", "0", _switch, "0 or 1") or False,
            bind=self.text("BIND") or "127.0.0.1",
            port=port or 0,
            data_dir=data_dir or project,
            database_url=database_url or "",
            redis_url=self.parsed("REDIS_URL", "", _redis_url, "a redis:// or rediss:// URL") or "",
            secret_key=self.secret("SECRET_KEY", data_dir, stores_secrets, _new_secret_key) or "",
            message_keys=self.keys(data_dir, stores_secrets),
            public_url=self.parsed(
                "PUBLIC_URL",
                f"http://localhost:{port or 8000}",
                _origin,
                "an http:// or https:// address without a path",
            )
            or "",
            trusted_proxies=self.parsed("TRUSTED_PROXIES", "0", _count, "a whole number") or 0,
            registration_open=self.choice("REGISTRATION", "open", "closed"),
            throttle_on=self.choice("THROTTLE", "on", "off"),
            json_logs=not self.choice("LOG_FORMAT", "text", "json"),
            metrics_token=self.text("METRICS_TOKEN"),
            email_url=self.parsed(
                "EMAIL_URL",
                "consolemail://",
                _email_url,
                "an smtp:// or smtps:// URL with a host, or consolemail://",
            )
            or "",
            email_from=self.parsed(
                "EMAIL_FROM", "", _sender, "an email address, or a name and one in <>"
            )
            or "",
        )
        if self.problems:
            raise EnvironmentProblem("\n".join(self.problems))
        return environment

    def text(self, name: str) -> str:
        return self.variables.get(name, "").strip()

    def parsed(
        self, name: str, default: str, parse: Callable[[str], Value], expected: str
    ) -> Value | None:
        try:
            return parse(self.text(name) or default)
        except ValueError:
            self.problems.append(f"{name} must be {expected}.")
            return None

    def choice(self, name: str, default: str, other: str) -> bool:
        """True for the default, False for the other word, a problem for anything else."""
        value = self.text(name) or default
        if value not in (default, other):
            self.problems.append(f"{name} must be “{default}” or “{other}”.")
        return value == default

    def secret(
        self, name: str, data_dir: Path | None, may_generate: bool, generate: Callable[[], str]
    ) -> str | None:
        """None after a problem."""
        if value := self.text(name):
            return value
        if may_generate:
            return _kept_secret(data_dir / name.lower(), generate) if data_dir else None
        self.problems.append(
            f"{name} must be set beside DATABASE_URL: every process has to share the same one."
        )
        return None

    def keys(self, data_dir: Path | None, may_generate: bool) -> tuple[str, ...]:
        value = self.secret("MESSAGE_KEYS", data_dir, may_generate, new_message_key)
        if value is None:
            return ()
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if not keys or not all(_is_message_key(key) for key in keys):
            self.problems.append(
                "MESSAGE_KEYS must be url-safe base64 keys of 32 bytes, separated by commas."
            )
        return keys


def new_message_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(MESSAGE_KEY_BYTES)).decode()


def _new_secret_key() -> str:
    return secrets.token_urlsafe(50)


def _kept_secret(path: Path, generate: Callable[[], str]) -> str:
    """The secret in the file, made on first use; linked in whole, so that two starts agree."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(generate())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def _is_message_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == MESSAGE_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _directory(text: str) -> Path:
    try:
        path = Path(text).expanduser().resolve()
        path.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(text) from error
    if not os.access(path, os.W_OK):
        _wrong(text)
    return path


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _switch(text: str) -> bool:
    return {"0": False, "1": True}[text] if text in ("0", "1") else _wrong(text)


def _database_url(text: str) -> str:
    if _url(text, "postgres", "postgresql"):
        environ.Env.db_url_config(text)  # what settings will do: raises ValueError as well
    return text


def _redis_url(text: str) -> str:
    return _url(text, "redis", "rediss")


def _email_url(text: str) -> str:
    """For django-environ, to which smtps is STARTTLS: on its own port, 465, TLS comes first."""
    parts = urlsplit(text)
    if parts.scheme != "consolemail" and not (_url(text, "smtp", "smtps") and parts.hostname):
        _wrong(text)
    if parts.scheme == "smtps" and parts.port in (None, SMTPS_PORT):
        return urlunsplit(parts._replace(scheme="smtp+ssl"))
    return text


def _sender(text: str) -> str:
    _name, address = parseaddr(text)
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        _wrong(text)
    return text


def _url(text: str, *schemes: str) -> str:
    if text and urlsplit(text).scheme not in schemes:
        _wrong(text)
    return text


def _origin(text: str) -> str:
    """As browsers write it: in lower case and ASCII, without the scheme's own port."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEME_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError(text)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(text)
    host = _bracketed(parts.hostname.encode("idna").decode())
    port = f":{parts.port}" if parts.port not in (None, SCHEME_PORTS[parts.scheme]) else ""
    return f"{parts.scheme}://{host}{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _wrong(text: str) -> bool:
    raise ValueError(text)
