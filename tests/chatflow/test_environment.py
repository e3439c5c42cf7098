"""What the process is told: every variable checked at once, and secrets made when none is given."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import pytest

from chatflow.environment import (
    Environment,
    EnvironmentProblem,
    load_dotenv,
    new_message_key,
    read_environment,
)

POSTGRES = "postgres://chat:secret@db.example.org:5432/chat"


A_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture
def read(tmp_path):
    """read(PORT="9000") is the environment with that and nothing else."""

    def make(**variables: str) -> Environment:
        return read_environment({"DATA_DIR": str(tmp_path / "kept")} | variables, project=tmp_path)

    return make


@pytest.fixture
def problems(read):
    """problems(PORT="x") are the lines that the process refuses to start with."""

    def make(**variables: str) -> list[str]:
        with pytest.raises(EnvironmentProblem) as refusal:
            read(**variables)
        return str(refusal.value).splitlines()

    return make


def test_nothing_has_to_be_said(read, tmp_path):
    environment = read()

    assert (environment.bind, environment.port) == ("127.0.0.1", 8000)
    assert environment.public_url == "http://localhost:8000"
    assert environment.data_dir == tmp_path / "kept"
    assert (environment.database_url, environment.redis_url) == ("", "")
    assert environment.trusted_proxies == 0
    assert environment.registration_open
    assert environment.throttle_on
    assert not environment.debug


def test_data_is_kept_in_the_project_unless_said_otherwise(tmp_path):
    assert read_environment({}, project=tmp_path).data_dir == tmp_path / "var"


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "REDIS_URL", "MESSAGE_KEYS", "PUBLIC_URL", "EMAIL_URL"]
)
def test_a_problem_repeats_no_password(problems, name):
    lines = problems(**{name: "https://me:hunter2@example.org"})

    assert "hunter2" not in "".join(lines)


def test_everything_may_be_said(read, tmp_path):
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
    )

    assert environment == Environment(
        debug=True,
        bind="0.0.0.0",
        port=9000,
        data_dir=tmp_path / "kept",
        database_url=POSTGRES,
        redis_url="rediss://cache.example.org/1",
        secret_key="s3cret",
        message_keys=(key, key),
        public_url="https://chat.example.org",
        trusted_proxies=2,
        registration_open=False,
        throttle_on=False,
        json_logs=True,
        metrics_token="t0ken",
        email_url="smtp://localhost",
        email_from="Chat <chat@example.org>",
    )


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
def test_a_wrong_variable_is_named(problems, name, value):
    given = {"SECRET_KEY": "s", "MESSAGE_KEYS": new_message_key(), name: value}

    (line,) = problems(**given)

    assert line.startswith(f"{name} must be ")


def test_all_problems_are_told_at_once(problems):
    lines = problems(PORT="x", DATABASE_URL="mysql://x", PUBLIC_URL="x", DATA_DIR="/dev/null")

    assert [line.split()[0] for line in lines] == [
        "DATA_DIR",
        "PORT",
        "DATABASE_URL",
        "SECRET_KEY",
        "MESSAGE_KEYS",
        "PUBLIC_URL",
    ]


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_variable_is_as_good_as_none(read, blank):
    environment = read(PORT=blank, DATABASE_URL=blank, REGISTRATION=blank, SECRET_KEY=blank)

    assert (environment.port, environment.database_url) == (8000, "")
    assert environment.registration_open
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
def test_what_is_a_database(read, url):
    given = read(DATABASE_URL=url, SECRET_KEY="s", MESSAGE_KEYS=new_message_key())

    assert given.database_url == url


# What it means


@pytest.mark.parametrize(
    ("variables", "is_embedded", "is_alone"),
    [
        ({}, True, True),
        ({"REDIS_URL": "redis://localhost"}, False, False),
        ({"DATABASE_URL": POSTGRES}, False, True),
        ({"DATABASE_URL": POSTGRES, "REDIS_URL": "redis://localhost"}, False, False),
    ],
)
def test_what_is_around_it(read, variables, is_embedded, is_alone):
    environment = read(SECRET_KEY="s", MESSAGE_KEYS=new_message_key(), **variables)

    assert (environment.is_embedded, environment.is_alone) == (is_embedded, is_alone)


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
def test_the_public_address_is_what_browsers_will_say(read, given, origin, host):
    environment = read(PUBLIC_URL=given)

    assert environment.allowed_origins[0] == environment.public_url == origin
    assert environment.allowed_hosts[0] == host
    assert environment.is_https == given.startswith("https")


@pytest.mark.parametrize(("port", "suffix"), [("8000", ":8000"), ("80", "")])
def test_loopback_always_works(read, port, suffix):
    environment = read(PORT=port, PUBLIC_URL="https://chat.example.org")

    assert environment.allowed_hosts[1:] == ["localhost", "127.0.0.1", "[::1]"]
    assert environment.allowed_origins[1:] == [
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
def test_how_mail_goes_out(read, given, ways):
    config = environ.Env.email_url_config(read(EMAIL_URL=given).email_url)

    backend = config.pop("EMAIL_BACKEND").split(".")[-2]
    config["EMAIL_BACKEND"] = backend
    assert ways.items() <= config.items()
    assert backend == ("smtp" if given else "console")
    assert not (config.get("EMAIL_USE_SSL") and config.get("EMAIL_USE_TLS"))


@pytest.mark.parametrize(
    ("given", "sender"),
    [("", "ChatFlow <chatflow@chat.example.org>"), ("a@b.example", "a@b.example")],
)
def test_whom_mails_are_from(read, given, sender):
    environment = read(PUBLIC_URL="https://chat.example.org:8443", EMAIL_FROM=given)

    assert environment.sender == sender


# Secrets


def test_secrets_are_made_once_and_for_nobody_else(read, tmp_path):
    first, second = read(), read()

    kept = {path.name: path for path in (tmp_path / "kept").iterdir()}
    assert set(kept) == {"secret_key", "message_keys"}
    assert {path.stat().st_mode & 0o777 for path in kept.values()} == {0o600}
    assert (first.secret_key, first.message_keys) == (second.secret_key, second.message_keys)
    assert kept["secret_key"].read_text() == first.secret_key
    assert len(first.secret_key) >= 50


def test_a_data_directory_is_made_for_its_owner_alone(read, tmp_path):
    read()

    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_exists_stays_as_it_is(read, tmp_path):
    (tmp_path / "kept").mkdir(mode=0o750)

    read()

    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o750


def test_every_instance_has_secrets_of_its_own(read, tmp_path):
    one, other = read(), read(DATA_DIR=str(tmp_path / "other"))

    assert one.secret_key != other.secret_key
    assert one.message_keys != other.message_keys


def test_two_that_start_at_once_agree(read):
    with ThreadPoolExecutor(8) as threads:
        environments = list(threads.map(lambda _turn: read(), range(8)))

    assert len({environment.secret_key for environment in environments}) == 1
    assert len({environment.message_keys for environment in environments}) == 1


def test_a_secret_that_is_given_is_not_kept(read, tmp_path):
    environment = read(SECRET_KEY="s", MESSAGE_KEYS=new_message_key())

    assert environment.secret_key == "s"
    assert not list((tmp_path / "kept").iterdir())


@pytest.mark.parametrize("database", [POSTGRES, "mysql://wrong"])
def test_beside_a_database_secrets_are_never_made(problems, tmp_path, database):
    lines = problems(DATABASE_URL=database)

    assert [line.split()[0] for line in lines][-2:] == ["SECRET_KEY", "MESSAGE_KEYS"]
    assert not list((tmp_path / "kept").iterdir())


def test_a_kept_key_that_was_damaged_is_told(problems, read, tmp_path):
    read()
    (tmp_path / "kept" / "message_keys").write_text("")

    (line,) = problems()

    assert line.startswith("MESSAGE_KEYS must be ")


# The .env file


def test_what_is_set_already_wins_over_the_file(monkeypatch, tmp_path):
    shell = {"PORT": "9000"}
    monkeypatch.setattr(environ.Env, "ENVIRON", shell)
    (tmp_path / ".env").write_text("# comment\nPORT=7000\nBIND=0.0.0.0\n")

    load_dotenv(tmp_path / ".env")

    assert shell == {"PORT": "9000", "BIND": "0.0.0.0"}


def test_the_file_need_not_be_there(tmp_path):
    load_dotenv(Path(tmp_path / ".env"))
