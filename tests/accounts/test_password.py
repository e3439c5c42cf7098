"""Changing the password, which ends all other logins."""

from __future__ import annotations

import pytest

from accounts.models import Login
from chatflow.live.events import Close
from tests.conftest import PASSWORD

NEW = "staple battery horse"


def change(client, current=PASSWORD, new=NEW):
    return client.post("/users/me/password", {"current": current, "new": new})


def log_in(client, password):
    return client.post("/auth/login", {"login": "alice", "password": password})


def test_only_the_new_password_works(program, stranger, alice):
    answer = change(program(alice))

    assert (answer.status_code, answer.content) == (204, b"")
    assert log_in(stranger, NEW).status_code == 200
    assert log_in(stranger, PASSWORD).status_code == 401


def test_every_other_login_ends(program, browser, alice, bob, announced):
    here, there, page, elsewhere = program(alice), program(alice), browser(alice), program(bob)

    with announced() as events:
        change(here)

    statuses = [client.get("/users/me").status_code for client in (here, there, page, elsewhere)]
    assert statuses == [200, 401, 401, 200]
    assert [event.control for event in events] == [
        Close(4401, except_login_id=str(here.login_row.id))
    ]


def test_refresh_tokens_of_other_logins_are_revoked(program, stranger, alice, tokens):
    other = tokens(alice)

    change(program(alice))

    assert stranger.post("/auth/refresh", {"refresh": other.refresh}).status_code == 401


def test_current_browser_session_continues(program, browser, alice):
    page, other = browser(alice), program(alice)

    answer = page.post(
        "/users/me/password", {"current": PASSWORD, "new": NEW}, content_type="application/json"
    )

    assert answer.status_code == 204
    assert page.get("/users/me").status_code == 200
    assert other.get("/users/me").status_code == 401


def test_wrong_current_password_is_refused(program, stranger, alice):
    client, other = program(alice), program(alice)

    answer = change(client, current="wrong")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["current"])
    assert other.get("/users/me").status_code == 200
    assert log_in(stranger, PASSWORD).status_code == 200


def test_password_change_requires_a_login(stranger, alice):
    assert change(stranger).status_code == 401


@pytest.mark.parametrize(
    "new",
    ["", "short", "password1", "8675309867", "alice@example.org", "p" * 1001],
)
def test_weak_new_password_is_refused(program, stranger, alice, new):
    answer = change(program(alice), new=new)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["new"])
    assert Login.objects.filter(ended_at=None).exists()
    assert log_in(stranger, PASSWORD).status_code == 200


@pytest.mark.parametrize("current", ["", "p" * 1001])
def test_malformed_current_password_is_refused(program, alice, current):
    answer = change(program(alice), current=current)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["current"])
