"""The environment is checked as a whole, and `prepare` creates the secrets that are missing."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import environ
import pytest

from chatflow.environment import (
    EnvironmentProblem,
    allowed_hosts,
    allowed_origins,
    load_dotenv,
    read_environment,
)
from chatflow.secret_files import create_data_directory, new_message_key

POSTGRES = "postgres://chat:secret@db.example.org:5432/chat"


A_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture
def read(tmp_path):
    """Return a function: read(PORT="9000") prepares an instance and reads its environment."""

    def make(**variables: str) -> SimpleNamespace:
        variables = {"DATA_DIR": str(tmp_path / "kept")} | variables
        create_data_directory(variables, project=tmp_path)
        return read_environment(variables, project=tmp_path)

    return make


@pytest.fixture
def problems(read):
    """Return a function: problems(PORT="x") returns the lines of the EnvironmentProblem."""

    def make(**variables: str) -> list[str]:
        with pytest.raises(EnvironmentProblem) as refusal:
            read(**variables)
        return str(refusal.value).splitlines()

    return make


def test_every_variable_has_a_default(read, tmp_path):
    environment = read()

    assert (environment.bind, environment.port) == ("127.0.0.1", 8000)
    assert environment.public_url == "http://localhost:8000"
    assert environment.data_dir == tmp_path / "kept"
    assert (environment.database_url, environment.redis_url) == ("", "")
    assert environment.trusted_proxies == 0
    assert (environment.registration, environment.throttle) == ("open", "on")
    assert not environment.debug


def test_data_directory_is_in_the_project_by_default(tmp_path):
    create_data_directory({}, project=tmp_path)

    assert read_environment({}, project=tmp_path).data_dir == tmp_path / "var"


def test_reading_the_environment_writes_nothing(tmp_path):
    with pytest.raises(EnvironmentProblem, match=r"SECRET_KEY .* run `manage.py prepare` first"):
        read_environment({}, project=tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "REDIS_URL", "MESSAGE_KEYS", "PUBLIC_URL", "EMAIL_URL"]
)
def test_problems_contain_no_passwords(problems, name):
    lines = problems(**{name: "https://me:hunter2@example.org"})

    assert "hunter2" not in "".join(lines)


def test_all_variables_can_be_set(read, tmp_path):
    key = new_message_key()

    environment = read(
        DEBUG="1",
        BIND=" 0.0.0.0 ",
        PORT="9000",
        DATABASE_URL=POSTGRES,
        REDIS_URL="rediss://cache.example.org/1",
        SECRET_KEY="s3cret",
        MESSAGE_KEYS=f"{key}, {key},",
        PUBLIC_URL="https://chat.example.org/",
        TRUSTED_PROXIES="2",
        REGISTRATION="closed",
        THROTTLE="off",
        LOG_FORMAT="json",
        METRICS_TOKEN="t0ken",
        EMAIL_URL="smtp://localhost",
        EMAIL_FROM="Chat <chat@example.org>",
        ATTACHMENT_MAX_MB="50",
        ATTACHMENT_QUOTA_MB="500",
        ATTACHMENT_TOTAL_MB="5000",
    )

    assert vars(environment) == {
        "debug": True,
        "bind": "0.0.0.0",
        "port": 9000,
        "data_dir": tmp_path / "kept",
        "database_url": POSTGRES,
        "redis_url": "rediss://cache.example.org/1",
        "secret_key": "s3cret",
        "message_keys": (key, key),
        "public_url": "https://chat.example.org",
        "trusted_proxies": 2,
        "registration": "closed",
        "throttle": "off",
        "log_format": "json",
        "metrics_token": "t0ken",
        "email_url": "smtp://localhost",
        "email_from": "Chat <chat@example.org>",
        "attachment_max_mb": 50,
        "attachment_quota_mb": 500,
        "attachment_total_mb": 5000,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "true"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("DATA_DIR", "/dev/null"),
        ("DATA_DIR", "/dev/null/below"),
        ("DATA_DIR", "~nobody-is-called-that/data"),
        ("DATABASE_URL", "mysql://localhost/chat"),
        ("DATABASE_URL", "localhost"),
        ("DATABASE_URL", "postgres://localhost:port/chat"),
        ("DATABASE_URL", "postgres://[::1/chat"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "localhost:6379"),
        ("MESSAGE_KEYS", "secret"),
        ("MESSAGE_KEYS", "é" * 43 + "="),
        ("MESSAGE_KEYS", base64.urlsafe_b64encode(bytes(31)).decode()),
        ("MESSAGE_KEYS", f"{A_KEY},{A_KEY[:-2]}"),
        ("MESSAGE_KEYS", ","),
        ("PUBLIC_URL", "chat.example.org"),
        ("PUBLIC_URL", "ftp://chat.example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://example.org/chat"),
        ("PUBLIC_URL", "https://example.org?chat"),
        ("PUBLIC_URL", "https://me:secret@example.org"),
        ("PUBLIC_URL", "https://example.org:http"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://.example.org"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
        ("TRUSTED_PROXIES", "1.5"),
        ("REGISTRATION", "yes"),
        ("THROTTLE", "0"),
        ("LOG_FORMAT", "xml"),
        ("EMAIL_URL", "mail.example.org"),
        ("EMAIL_URL", "http://mail.example.org"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtps://me:secret@"),
        ("EMAIL_URL", "smtps://mail.example.org:tls"),
        ("EMAIL_FROM", "ChatFlow"),
        ("EMAIL_FROM", "ChatFlow <chat>"),
    ],
)
def test_invalid_variable_is_named(problems, name, value):
    given = {"SECRET_KEY": "s", "MESSAGE_KEYS": new_message_key(), name: value}

    (line,) = problems(**given)

    assert line.startswith(f"{name} must be ")


def test_all_problems_are_reported_together(problems):
    lines = problems(PORT="x", DATABASE_URL="mysql://x", PUBLIC_URL="x", DATA_DIR="/dev/null")

    assert [line.split()[0] for line in lines] == [
        "DATA_DIR",
        "PORT",
        "DATABASE_URL",
        "PUBLIC_URL",
        "SECRET_KEY",
        "MESSAGE_KEYS",
    ]


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_variable_counts_as_missing(read, blank):
    environment = read(PORT=blank, DATABASE_URL=blank, REGISTRATION=blank, SECRET_KEY=blank)

    assert (environment.port, environment.database_url) == (8000, "")
    assert environment.registration == "open"
    assert environment.secret_key


@pytest.mark.parametrize(
    "url",
    [
        POSTGRES,
        "postgresql://localhost/chat",
        "postgres:///chat",
        "postgres://me:p#ss@localhost:5432/chat",
        "postgres://a.example.org:5432,b.example.org:5432/chat",
    ],
)
def test_accepted_database_urls(read, url):
    given = read(DATABASE_URL=url, SECRET_KEY="s", MESSAGE_KEYS=new_message_key())

    assert given.database_url == url


# What it means


@pytest.mark.parametrize(
    ("given", "origin", "host"),
    [
        ("https://chat.example.org", "https://chat.example.org", "chat.example.org"),
        ("https://Chat.Example.ORG:443/", "https://chat.example.org", "chat.example.org"),
        ("http://chat.example.org:80", "http://chat.example.org", "chat.example.org"),
        ("https://chat.example.org:8443", "https://chat.example.org:8443", "chat.example.org"),
        ("http://[2001:DB8::1]:8000", "http://[2001:db8::1]:8000", "[2001:db8::1]"),
        ("https://chät.example", "https://xn--cht-rla.example", "xn--cht-rla.example"),
    ],
)
def test_public_url_is_normalized_to_the_origin_that_browsers_send(read, given, origin, host):
    environment = read(PUBLIC_URL=given)

    assert environment.public_url == origin
    assert allowed_origins(origin, 8000)[0] == origin
    assert allowed_hosts(origin)[0] == host


@pytest.mark.parametrize(("port", "suffix"), [("8000", ":8000"), ("80", "")])
def test_loopback_origins_are_always_allowed(port, suffix):
    public_url = "https://chat.example.org"

    assert allowed_hosts(public_url)[1:] == ["localhost", "127.0.0.1", "[::1]"]
    assert allowed_origins(public_url, int(port))[1:] == [
        f"http://{host}{suffix}" for host in ("localhost", "127.0.0.1", "[::1]")
    ]


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        ("", {"EMAIL_BACKEND": "console"}),
        ("smtp://localhost", {"EMAIL_HOST": "localhost", "EMAIL_PORT": None}),
        ("smtps://mail.example.org", {"EMAIL_USE_SSL": True}),
        ("smtps://mail.example.org:465", {"EMAIL_USE_SSL": True, "EMAIL_PORT": 465}),
        ("smtps://mail.example.org:587", {"EMAIL_USE_TLS": True, "EMAIL_PORT": 587}),
        (
            "smtps://me%40example.org:p%23ss@mail.example.org:587",
            {"EMAIL_HOST_USER": "me@example.org", "EMAIL_HOST_PASSWORD": "p#ss"},
        ),
    ],
)
def test_email_url_selects_backend_and_encryption(read, given, ways):
    config = environ.Env.email_url_config(read(EMAIL_URL=given).email_url)

    backend = config.pop("EMAIL_BACKEND").split(".")[-2]
    config["EMAIL_BACKEND"] = backend
    assert ways.items() <= config.items()
    assert backend == ("smtp" if given else "console")
    assert not (config.get("EMAIL_USE_SSL") and config.get("EMAIL_USE_TLS"))


# Secrets


def test_secrets_are_created_once_and_readable_by_their_owner_only(read, tmp_path):
    first, second = read(), read()

    kept = {path.name: path for path in (tmp_path / "kept").iterdir()}
    assert set(kept) == {"secret_key", "message_keys"}
    assert {path.stat().st_mode & 0o777 for path in kept.values()} == {0o600}
    assert (first.secret_key, first.message_keys) == (second.secret_key, second.message_keys)
    assert kept["secret_key"].read_text() == first.secret_key
    assert len(first.secret_key) >= 50


def test_data_directory_is_created_for_its_owner_only(read, tmp_path):
    read()

    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


def test_existing_data_directory_keeps_its_mode(read, tmp_path):
    (tmp_path / "kept").mkdir(mode=0o750)

    read()

    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o750


def test_each_data_directory_gets_different_secrets(read, tmp_path):
    one, other = read(), read(DATA_DIR=str(tmp_path / "other"))

    assert one.secret_key != other.secret_key
    assert one.message_keys != other.message_keys


def test_concurrent_starts_agree_on_the_secrets(read):
    with ThreadPoolExecutor(8) as threads:
        environments = list(threads.map(lambda _turn: read(), range(8)))

    assert len({environment.secret_key for environment in environments}) == 1
    assert len({environment.message_keys for environment in environments}) == 1


def test_secret_from_a_variable_is_not_stored(read, tmp_path):
    environment = read(SECRET_KEY="s", MESSAGE_KEYS=new_message_key())

    assert environment.secret_key == "s"
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("database", [POSTGRES, "mysql://wrong"])
def test_no_secrets_are_created_with_a_database_url(problems, tmp_path, database):
    lines = problems(DATABASE_URL=database)

    assert [line.split()[0] for line in lines][-2:] == ["SECRET_KEY", "MESSAGE_KEYS"]
    assert not list((tmp_path / "kept").iterdir())


def test_damaged_key_file_is_reported(problems, read, tmp_path):
    read()
    (tmp_path / "kept" / "message_keys").write_text("")

    (line,) = problems()

    assert line.startswith("MESSAGE_KEYS must be ")


# The .env file


def test_environment_wins_over_the_dotenv_file(monkeypatch, tmp_path):
    shell = {"PORT": "9000"}
    monkeypatch.setattr(environ.Env, "ENVIRON", shell)
    (tmp_path / ".env").write_text("# comment\nPORT=7000\nBIND=0.0.0.0\n")

    load_dotenv(tmp_path / ".env")

    assert shell == {"PORT": "9000", "BIND": "0.0.0.0"}


def test_dotenv_file_is_optional(tmp_path):
    load_dotenv(Path(tmp_path / ".env"))
