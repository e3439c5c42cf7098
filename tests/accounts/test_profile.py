"""The current user's profile: reading and changing it, and changing the email with the password."""

from __future__ import annotations

import pytest

from accounts.models import User
from chatflow.limits import policy as limits
from tests.conftest import PASSWORD


def test_own_profile_includes_private_fields(program, alice, costs):
    client = program(alice)

    with costs(1):
        answer = client.get("/users/me")

    assert answer.json() == {
        "id": str(alice.id),
        "username": "alice",
        "display_name": "Alice",
        "about": "",
        "avatar_url": None,
        "online": None,
        "last_seen_at": None,
        "email": "alice@example.org",
        "created_at": alice.created_at.isoformat().replace("+00:00", "Z"),
        "last_seen_to": "everyone",
        "shows_read_receipts": True,
    }


def test_own_profile_requires_a_login(stranger):
    assert stranger.get("/users/me").status_code == 401
    assert stranger.patch("/users/me", {"about": "x"}).status_code == 401


def test_profile_changes_are_visible_to_others(program, alice, bob):
    answer = program(alice).patch("/users/me", {"display_name": " Alice B. ", "about": " Hi\n"})

    seen = program(bob).get("/users/alice").json()
    assert answer.status_code == 200
    assert (answer.json()["display_name"], answer.json()["about"]) == ("Alice B.", "Hi")
    assert (seen["display_name"], seen["about"]) == ("Alice B.", "Hi")


def test_fields_can_be_changed_separately(program, person):
    alice = person("alice", about="Gardener")

    changed = program(alice).patch("/users/me", {"display_name": "Al"}).json()

    assert (changed["display_name"], changed["about"]) == ("Al", "Gardener")


def test_about_can_be_emptied(program, person):
    assert (
        program(person("alice", about="x")).patch("/users/me", {"about": ""}).json()["about"] == ""
    )


@pytest.mark.parametrize("changes", [{"about": "x"}, {"last_seen_to": "nobody"}])
def test_profile_changes_are_rate_limited(program, few, alice, changes):
    few(limits.WRITING, 1)
    client = program(alice)

    assert [client.patch("/users/me", changes).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("changes", [{}, {"display_name": "A" * 60, "about": "ü" * 140}])
def test_valid_values_are_accepted(program, alice, changes):
    answer = program(alice).patch("/users/me", changes)

    assert answer.status_code == 200
    assert answer.json().items() >= changes.items()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", ""),
        ("display_name", "  \n "),
        ("display_name", "A" * 61),
        ("about", "A" * 141),
        ("shows_read_receipts", "yes"),
        ("shows_read_receipts", 1),
        ("shows_read_receipts", None),
        ("last_seen_to", True),
    ],
)
def test_invalid_values_change_nothing(program, alice, field, value):
    answer = program(alice).patch(
        "/users/me", {"display_name": "New", "about": "New", field: value}
    )

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert (alice.display_name, alice.about) == ("Alice", "")


def test_read_only_fields_are_ignored(program, alice):
    before = program(alice).get("/users/me").json()
    wishes = {"id": "7", "username": "queen", "created_at": "2000-01-01", "is_staff": True}

    answer = program(alice).patch("/users/me", wishes)

    alice.refresh_from_db()
    assert (answer.status_code, answer.json()) == (200, before)
    assert not alice.is_staff


# The email


def change_email(client, email="new@example.org", password=PASSWORD, **more):
    return client.patch("/users/me", {"email": email, "password": password} | more)


def test_email_can_be_changed_with_the_password(program, stranger, alice):
    answer = change_email(program(alice), " NEW@Example.org ")

    assert (answer.status_code, answer.json()["email"]) == (200, "new@example.org")
    for login, status in [("new@example.org", 200), ("alice@example.org", 401)]:
        credentials = {"login": login, "password": PASSWORD}
        assert stranger.post("/auth/login", credentials).status_code == status


def test_own_email_can_be_set_again(program, alice):
    assert change_email(program(alice), "ALICE@example.org").status_code == 200


@pytest.mark.parametrize("email", ["bob@example.org", "Bob@Example.org"])
def test_email_of_another_user_is_refused(program, alice, bob, email):
    answer = change_email(program(alice), email)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


def test_email_change_requires_the_password(program, alice):
    client = program(alice)

    missing = client.patch("/users/me", {"email": "new@example.org", "about": "x"})
    wrong = change_email(client, password="wrong", about="x")

    alice.refresh_from_db()
    for answer in (missing, wrong):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert (alice.email, alice.about) == ("alice@example.org", "")


@pytest.mark.parametrize("email", ["", "x", "a@" + "b" * 400])
def test_invalid_email_is_refused(program, alice, email):
    answer = change_email(program(alice), email)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


@pytest.mark.parametrize("password", ["", "a" * 1001])
def test_malformed_password_is_refused(program, alice, password):
    answer = change_email(program(alice), password=password)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])


@pytest.mark.django_db(transaction=True)
def test_one_of_two_concurrent_changes_gets_the_email(program, alice, bob, together):
    clients = [program(alice), program(bob)]

    answers = together(*[lambda client=client: change_email(client) for client in clients])

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert User.objects.filter(email="new@example.org").count() == 1
