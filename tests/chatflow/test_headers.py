"""Security headers of every route, and the result of `check --deploy`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.services import change_avatar, open_login
from chatflow.secret_files import create_data_directory
from tests.accounts.test_avatar import picture
from tests.conftest import BROWSER, PASSWORD

PROJECT = Path(__file__).resolve().parents[2]
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = {
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}
MAY_BE_KEPT = {"avatar", "schema"}  # names of routes
INLINE = re.compile(
    r"""<script(?![^>]*\bsrc=)(?![^>]*type="application/json")|<style|<[^>]*\son\w+=|javascript:""",
    re.IGNORECASE,
)


def routes(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "/"
) -> Iterator[tuple[str, str]]:
    """Return (path with parameters, name) of every route, including the admin."""
    for pattern in patterns or get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif not re.search(r"[\\^(]", route):  # the admin's last resort is a regular expression
            yield route, pattern.name or ""


@pytest.fixture
def moderator(alice) -> Client:
    """Return alice's browser; she may see everything and has an avatar."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    change_avatar(user=alice, image=picture())
    alice.refresh_from_db()
    client = Client(headers={"Accept": "text/html"})
    session = client.session
    session["login"] = str(open_login(user=alice, device=BROWSER).id)
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


@pytest.fixture
def path_of(alice, direct, say):
    message = say(alice, direct)

    def fill(route: str) -> str:
        values = {
            **dict.fromkeys(("conversation", "conversation_id"), direct.id),
            **dict.fromkeys(("message", "message_id"), message.id),
            **dict.fromkeys(("login", "login_id", "report_id", "object_id"), uuid.uuid4()),
            "user": alice.id,
            "username": "bob",
            "name": Path(alice.avatar.name).name.removesuffix(".webp"),
        }
        return PARAMETER.sub(lambda match: str(values.get(match[1], "x")), route)

    return fill


def assert_told(answer: HttpResponse, *, is_private: bool = True) -> None:
    assert ALWAYS.items() <= dict(answer.headers).items()
    assert set(answer.headers["Content-Security-Policy"].split("; ")) == POLICY
    permissions = answer.headers["Permissions-Policy"]
    assert {"camera=()", "microphone=(self)", "geolocation=()"} <= set(permissions.split(", "))
    assert ("no-store" in answer.headers["Cache-Control"]) == is_private


def test_every_route_sends_the_security_headers(moderator, path_of):
    names = set()
    for route, name in routes():
        answer = moderator.get(path_of(route))
        names.add(name)

        assert answer.status_code < 500, route
        is_kept = name in MAY_BE_KEPT and answer.status_code == 200
        assert_told(answer, is_private=not is_kept)
        if not answer.streaming and "text/html" in answer.headers["Content-Type"]:
            assert not INLINE.search(answer.content.decode()), route

    assert names >= MAY_BE_KEPT | {"home", "chat", "login", "docs", "schema", "healthz", "index"}


def test_anonymous_responses_have_the_security_headers(db, path_of, client):
    for route, name in routes():
        for accept in ("text/html", "application/json"):
            answer = client.get(path_of(route), headers={"Accept": accept})

            is_kept = name in MAY_BE_KEPT and answer.status_code == 200
            assert_told(answer, is_private=not is_kept)


@pytest.mark.parametrize("path", ["/nowhere", "/users/nobody/nothing", "/login", "/auth/login"])
def test_error_responses_have_the_security_headers(client, db, path):
    for answer in (client.put(path), client.post(path, {}), client.get(path, HTTP_HOST="evil")):
        assert_told(answer)


def test_api_responses_are_not_cached(program, alice, direct):
    client = program(alice)

    for path in ("/users/me", "/conversations", f"/conversations/{direct.id}/messages"):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    sent = client.post(f"/conversations/{direct.id}/messages", {"body": "hi"})
    assert sent.headers["Cache-Control"] == "no-store"


def test_logging_out_clears_the_browser_s_storage(browser, alice, bob):
    gone = browser(bob).post("/settings/delete", {"password": PASSWORD})

    for answer in (browser(alice).post("/logout"), gone):
        assert answer.headers["Location"] == "/login"
        assert answer.headers["Clear-Site-Data"] == '"storage"'


# Behind https


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command with an https PUBLIC_URL and returns its output."""

    def start(*words: str) -> str:
        chosen = {"PUBLIC_URL": "https://chat.example.org", "DATA_DIR": str(tmp_path)}
        create_data_directory(chosen, project=PROJECT)
        secrets = {"SECRET_KEY": "", "MESSAGE_KEYS": "", "DATABASE_URL": "", "REDIS_URL": ""}
        result = subprocess.run(
            [sys.executable, *words],
            cwd=PROJECT,
            env=os.environ | secrets | chosen,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    return start


def test_deployment_check_reports_nothing(run):
    said = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert "System check identified no issues (3 silenced)." in said


SHOW_COOKIES = """
from django.test import Client
from accounts.models import User
User.objects.create_user("alice", "alice@example.org", "correct horse battery")
client = Client(headers={"Host": "chat.example.org"})
client.get("/login", secure=True)
form = {"login": "alice", "password": "correct horse battery"}
answer = client.post("/login", form, secure=True)
assert answer.status_code == 302, answer.content
client.post("/settings/appearance", {"theme": "dark"}, secure=True)
client.post("/settings/language", {"language": "de"}, secure=True)
for cookie in client.cookies.values():
    print("COOKIE", cookie.OutputString())
print("HSTS", answer.headers["Strict-Transport-Security"])
"""


def test_cookies_are_host_bound_secure_and_http_only(run):
    run("manage.py", "migrate", "--verbosity=0")
    run("manage.py", "collectstatic", "--no-input", "--verbosity=0")

    said = run("manage.py", "shell", "--verbosity=0", "--command", SHOW_COOKIES)

    lines = [line.removeprefix("COOKIE ") for line in said.splitlines() if "COOKIE" in line]
    cookies = {line.partition("=")[0]: set(line.split("; ")[1:]) for line in lines}
    assert set(cookies) == {
        *("__Host-sessionid", "__Host-device", "csrftoken", "theme", "django_language"),
    }
    for name, attributes in cookies.items():
        assert {"Secure", "SameSite=Lax", "Path=/"} <= attributes, name
        assert not [one for one in attributes if one.startswith("Domain")]
        assert ("HttpOnly" in attributes) == (name != "csrftoken")  # which scripts send back
    assert "HSTS max-age=31536000" in said
