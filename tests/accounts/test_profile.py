"""One's own profile: what is shown to whom, and an email that only the password changes."""

from __future__ import annotations

import pytest

from accounts.models import User
from chatflow import limits
from tests.conftest import PASSWORD


def test_alice_sees_her_profile(program, alice, costs):
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


def test_strangers_have_no_profile(stranger):
    assert stranger.get("/users/me").status_code == 401
    assert stranger.patch("/users/me", {"about": "x"}).status_code == 401


def test_bob_reads_what_alice_writes_about_herself(program, alice, bob):
    answer = program(alice).patch("/users/me", {"display_name": " Alice B. ", "about": " Hi\n"})

    seen = program(bob).get("/users/alice").json()
    assert answer.status_code == 200
    assert (answer.json()["display_name"], answer.json()["about"]) == ("Alice B.", "Hi")
    assert (seen["display_name"], seen["about"]) == ("Alice B.", "Hi")


def test_one_field_is_changed_without_the_other(program, person):
    alice = person("alice", about="Gardener")

    changed = program(alice).patch("/users/me", {"display_name": "Al"}).json()

    assert (changed["display_name"], changed["about"]) == ("Al", "Gardener")


def test_about_may_be_emptied(program, person):
    assert (
        program(person("alice", about="x")).patch("/users/me", {"about": ""}).json()["about"] == ""
    )


@pytest.mark.parametrize("changes", [{"about": "x"}, {"last_seen_to": "nobody"}])
def test_she_does_not_change_it_all_the_time(program, few, alice, changes):
    few(limits.WRITING, 1)
    client = program(alice)

    assert [client.patch("/users/me", changes).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("changes", [{}, {"display_name": "A" * 60, "about": "ü" * 140}])
def test_what_fits_is_taken(program, alice, changes):
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
def test_what_does_not_fit_changes_nothing(program, alice, field, value):
    answer = program(alice).patch(
        "/users/me", {"display_name": "New", "about": "New", field: value}
    )

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert (alice.display_name, alice.about) == ("Alice", "")


def test_the_rest_is_not_hers_to_change(program, alice):
    before = program(alice).get("/users/me").json()
    wishes = {"id": "7", "username": "queen", "created_at": "2000-01-01", "is_staff": True}

    answer = program(alice).patch("/users/me", wishes)

    alice.refresh_from_db()
    assert (answer.status_code, answer.json()) == (200, before)
    assert not alice.is_staff


# The email


def change_email(client, email="new@example.org", password=PASSWORD, **more):
    return client.patch("/users/me", {"email": email, "password": password} | more)


def test_alice_changes_her_email(program, stranger, alice):
    answer = change_email(program(alice), " NEW@Example.org ")

    assert (answer.status_code, answer.json()["email"]) == (200, "new@example.org")
    for login, status in [("new@example.org", 200), ("alice@example.org", 401)]:
        credentials = {"login": login, "password": PASSWORD}
        assert stranger.post("/auth/login", credentials).status_code == status


def test_her_own_email_is_not_taken(program, alice):
    assert change_email(program(alice), "ALICE@example.org").status_code == 200


@pytest.mark.parametrize("email", ["bob@example.org", "Bob@Example.org"])
def test_bob_s_email_is_taken(program, alice, bob, email):
    answer = change_email(program(alice), email)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


def test_without_the_password_nothing_is_changed(program, alice):
    client = program(alice)

    missing = client.patch("/users/me", {"email": "new@example.org", "about": "x"})
    wrong = change_email(client, password="wrong", about="x")

    alice.refresh_from_db()
    for answer in (missing, wrong):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert (alice.email, alice.about) == ("alice@example.org", "")


@pytest.mark.parametrize("email", ["", "x", "a@" + "b" * 400])
def test_what_is_no_email(program, alice, email):
    answer = change_email(program(alice), email)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


@pytest.mark.parametrize("password", ["", "a" * 1001])
def test_what_is_no_password(program, alice, password):
    answer = change_email(program(alice), password=password)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_one_email_at_once_one_has_it(program, alice, bob, together):
    clients = [program(alice), program(bob)]

    answers = together(*[lambda client=client: change_email(client) for client in clients])

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert User.objects.filter(email="new@example.org").count() == 1
