"""A new password: whoever knew the old one is out, everywhere but here."""

from __future__ import annotations

import pytest

from accounts.models import Login
from tests.conftest import PASSWORD

NEW = "staple battery horse"


def change(client, current=PASSWORD, new=NEW):
    return client.post("/users/me/password", {"current": current, "new": new})


def sign_in(client, password):
    return client.post("/auth/login", {"login": "alice", "password": password})


def test_alice_signs_in_with_the_new_one_only(program, stranger, alice):
    answer = change(program(alice))

    assert (answer.status_code, answer.content) == (204, b"")
    assert sign_in(stranger, NEW).status_code == 200
    assert sign_in(stranger, PASSWORD).status_code == 401


def test_every_other_login_ends(program, browser, alice, bob, announced):
    here, there, page, elsewhere = program(alice), program(alice), browser(alice), program(bob)

    with announced() as events:
        change(here)

    statuses = [client.get("/users/me").status_code for client in (here, there, page, elsewhere)]
    assert statuses == [200, 401, 401, 200]
    assert [(event.ends, event.spares) for event in events] == [(4401, str(here.login_row.id))]


def test_a_refresh_token_of_another_login_is_dead(program, stranger, alice, tokens):
    other = tokens(alice)

    change(program(alice))

    assert stranger.post("/auth/refresh", {"refresh": other.refresh}).status_code == 401


def test_in_the_browser_the_session_goes_on(program, browser, alice):
    page, other = browser(alice), program(alice)

    answer = page.post(
        "/users/me/password", {"current": PASSWORD, "new": NEW}, content_type="application/json"
    )

    assert answer.status_code == 204
    assert page.get("/users/me").status_code == 200
    assert other.get("/users/me").status_code == 401


def test_whoever_does_not_know_the_old_one_changes_nothing(program, stranger, alice):
    client, other = program(alice), program(alice)

    answer = change(client, current="wrong")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["current"])
    assert other.get("/users/me").status_code == 200
    assert sign_in(stranger, PASSWORD).status_code == 200


def test_strangers_change_no_password(stranger, alice):
    assert change(stranger).status_code == 401


@pytest.mark.parametrize(
    "new",
    ["", "short", "password1", "8675309867", "alice@example.org", "p" * 1001],
)
def test_a_bad_new_one_changes_nothing(program, stranger, alice, new):
    answer = change(program(alice), new=new)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["new"])
    assert Login.objects.filter(ended_at=None).exists()
    assert sign_in(stranger, PASSWORD).status_code == 200


@pytest.mark.parametrize("current", ["", "p" * 1001])
def test_what_is_no_password(program, alice, current):
    answer = change(program(alice), current=current)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["current"])
