"""The list of logins, and ending one of them."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Login
from accounts.services import end_login
from chatflow.live.events import Close

DAY = 24 * 60 * 60


@pytest.fixture
def age(program):
    """age(login, minutes=6) sets its last use to six minutes ago."""

    def make(login, **ago):
        Login.objects.filter(id=login.id).update(last_used_at=timezone.now() - timedelta(**ago))

    return make


def test_list_shows_all_active_logins(program, browser, alice, bob):
    browser(alice)
    client = program(alice)
    program(bob)

    listed = client.get("/users/me/logins").json()

    assert [(login["kind"], login["current"]) for login in listed] == [
        ("api", True),
        ("browser", False),
    ]
    assert set(listed[0]) == {
        "id", "kind", "user_agent", "ip", "created_at", "last_used_at", "current",
    }  # fmt: skip
    assert (listed[0]["user_agent"], listed[0]["ip"]) == ("tests", "127.0.0.1")


def test_list_takes_a_constant_number_of_queries(program, alice, costs):
    clients = [program(alice) for _ in range(5)]

    with costs(2):
        assert len(clients[0].get("/users/me/logins").json()) == 5


def test_ended_logins_are_not_listed(program, alice):
    client, other = program(alice), program(alice)
    end_login(login=other.login_row)

    assert [login["current"] for login in client.get("/users/me/logins").json()] == [True]


def test_login_expires_after_a_month_without_use(program, alice, age):
    client, other = program(alice), program(alice)
    age(other.login_row, days=31)

    assert len(client.get("/users/me/logins").json()) == 1
    assert other.get("/users/me").status_code == 401


def test_last_use_is_updated_every_few_minutes(program, alice, age, costs):
    client = program(alice)
    age(client.login_row, minutes=6)

    with costs(2):
        client.get("/users/me")
    with costs(1):
        client.get("/users/me")

    client.login_row.refresh_from_db()
    assert timezone.now() - client.login_row.last_used_at < timedelta(minutes=5)


def test_browser_in_use_stays_logged_in(browser, alice, monkeypatch):
    often, seldom, start = browser(alice), browser(alice), time.time()

    for days in (0, 20, 40, 60):
        monkeypatch.setattr("time.time", lambda days=days: start + days * DAY)
        assert often.get("/settings").status_code == 200

    assert seldom.get("/settings").status_code == 302


@pytest.mark.parametrize("path", ["/settings", "/users/me"])
def test_session_cookie_is_renewed_once_a_day(browser, alice, path):
    client = browser(alice)

    first, second = client.get(path), client.get(path)

    assert first.cookies["sessionid"]["max-age"] == 30 * DAY
    assert "sessionid" not in second.cookies


def test_publicly_cached_response_renews_no_cookie(browser, alice):
    answer = browser(alice).get("/schema")

    assert "public" in answer.headers["Cache-Control"]
    assert not answer.cookies


def test_ending_another_login_closes_its_sockets(program, alice, announced):
    client, other = program(alice), program(alice)

    with announced() as events:
        answer = client.delete(f"/users/me/logins/{other.login_row.id}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert other.get("/users/me").status_code == 401
    assert client.get("/users/me").status_code == 200
    assert [event.control for event in events] == [Close(4401, login_id=str(other.login_row.id))]


def test_ending_a_browser_login_ends_its_session(program, browser, alice):
    page = browser(alice)
    assert page.get("/users/me").status_code == 200

    program(alice).delete(f"/users/me/logins/{Login.objects.get(kind='browser').id}")

    assert page.get("/users/me").status_code == 401


def test_current_login_can_be_ended(program, alice):
    client = program(alice)

    assert client.delete(f"/users/me/logins/{client.login_row.id}").status_code == 204
    assert client.get("/users/me").status_code == 401


def test_ended_login_is_not_found(program, alice):
    client, other = program(alice), program(alice)
    path = f"/users/me/logins/{other.login_row.id}"

    assert [client.delete(path).status_code for _ in range(2)] == [204, 404]


def test_login_of_another_user_is_not_found(program, alice, mallory):
    hers = program(alice)

    answer = program(mallory).delete(f"/users/me/logins/{hers.login_row.id}")

    assert answer.status_code == 404
    assert hers.get("/users/me").status_code == 200


@pytest.mark.parametrize("login", [uuid.UUID(int=7), "7", "%00"])
def test_unknown_login_is_not_found(program, alice, login):
    assert program(alice).delete(f"/users/me/logins/{login}").status_code == 404


def test_list_requires_a_login(stranger):
    assert stranger.get("/users/me/logins").status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer é", "Basic YTpi", "x"]
)
def test_invalid_access_token_is_refused(stranger, header):
    answer = stranger.get("/users/me", HTTP_AUTHORIZATION=header)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
