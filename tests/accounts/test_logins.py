"""Where one is signed in: the list, and ending one of it from afar."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Login
from accounts.services import end_login

DAY = 24 * 60 * 60


@pytest.fixture
def age(program):
    """age(login, minutes=6): it was last used then."""

    def make(login, **ago):
        Login.objects.filter(id=login.id).update(last_used_at=timezone.now() - timedelta(**ago))

    return make


def test_alice_sees_where_she_is_signed_in(program, browser, alice, bob):
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


def test_the_list_costs_two_queries_however_long_it_is(program, alice, costs):
    clients = [program(alice) for _ in range(5)]

    with costs(2):
        assert len(clients[0].get("/users/me/logins").json()) == 5


def test_what_has_ended_is_not_in_it(program, alice):
    client, other = program(alice), program(alice)
    end_login(login=other.login_row)

    assert [login["current"] for login in client.get("/users/me/logins").json()] == [True]


def test_what_was_not_used_for_a_month_is_over(program, alice, age):
    client, other = program(alice), program(alice)
    age(other.login_row, days=31)

    assert len(client.get("/users/me/logins").json()) == 1
    assert other.get("/users/me").status_code == 401


def test_using_a_login_is_noted_now_and_then(program, alice, age, costs):
    client = program(alice)
    age(client.login_row, minutes=6)

    with costs(2):
        client.get("/users/me")
    with costs(1):
        client.get("/users/me")

    client.login_row.refresh_from_db()
    assert timezone.now() - client.login_row.last_used_at < timedelta(minutes=5)


def test_a_browser_in_use_stays_signed_in(browser, alice, monkeypatch):
    often, seldom, start = browser(alice), browser(alice), time.time()

    for days in (0, 20, 40, 60):
        monkeypatch.setattr("time.time", lambda days=days: start + days * DAY)
        assert often.get("/settings").status_code == 200

    assert seldom.get("/settings").status_code == 302


@pytest.mark.parametrize("path", ["/settings", "/users/me"])
def test_its_cookie_is_renewed_once_a_day(browser, alice, path):
    client = browser(alice)

    first, second = client.get(path), client.get(path)

    assert first.cookies["sessionid"]["max-age"] == 30 * DAY
    assert "sessionid" not in second.cookies


def test_what_everybody_may_cache_renews_no_cookie(browser, alice):
    answer = browser(alice).get(f"/mine/{alice.id}.css")

    assert "public" in answer.headers["Cache-Control"]
    assert not answer.cookies


def test_alice_signs_out_another_device(program, alice, announced):
    client, other = program(alice), program(alice)

    with announced() as events:
        answer = client.delete(f"/users/me/logins/{other.login_row.id}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert other.get("/users/me").status_code == 401
    assert client.get("/users/me").status_code == 200
    assert [(event.ends, event.login) for event in events] == [(4401, str(other.login_row.id))]


def test_alice_signs_out_her_browser(program, browser, alice):
    page = browser(alice)
    assert page.get("/users/me").status_code == 200

    program(alice).delete(f"/users/me/logins/{Login.objects.get(kind='browser').id}")

    assert page.get("/users/me").status_code == 401


def test_alice_signs_out_the_device_in_her_hand(program, alice):
    client = program(alice)

    assert client.delete(f"/users/me/logins/{client.login_row.id}").status_code == 204
    assert client.get("/users/me").status_code == 401


def test_ending_it_again_is_not_found(program, alice):
    client, other = program(alice), program(alice)
    path = f"/users/me/logins/{other.login_row.id}"

    assert [client.delete(path).status_code for _ in range(2)] == [204, 404]


def test_mallory_cannot_end_a_login_of_alice(program, alice, mallory):
    hers = program(alice)

    answer = program(mallory).delete(f"/users/me/logins/{hers.login_row.id}")

    assert answer.status_code == 404
    assert hers.get("/users/me").status_code == 200


@pytest.mark.parametrize("login", [uuid.UUID(int=7), "7", "%00"])
def test_a_login_that_does_not_exist_is_not_found(program, alice, login):
    assert program(alice).delete(f"/users/me/logins/{login}").status_code == 404


def test_strangers_have_no_list(stranger):
    assert stranger.get("/users/me/logins").status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer é", "Basic YTpi", "x"]
)
def test_what_is_no_access_token(stranger, header):
    answer = stranger.get("/users/me", HTTP_AUTHORIZATION=header)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
