"""Registration: a new account, its first login, and names that are unique in every spelling."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import Login, User
from tests.conftest import PASSWORD

ERIN = {"username": "erin", "email": "erin@example.org", "password": PASSWORD}


def register(client=None, **changes):
    return (client or APIClient()).post("/auth/register", ERIN | changes)


def assert_refused(answer, *fields):
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == set(fields)
    assert not User.objects.filter(email__startswith="erin").exists()


def test_registration_creates_an_account_and_logs_in(stranger, is_good):
    answer = register(stranger, display_name="Erin Moss")

    erin = User.objects.get(username="erin")
    assert answer.status_code == 201
    assert answer.json()["user"] == {
        "id": str(erin.id),
        "username": "erin",
        "display_name": "Erin Moss",
        "about": "",
        "avatar_url": None,
        "online": None,
        "last_seen_at": None,
        "email": "erin@example.org",
        "created_at": erin.created_at.isoformat().replace("+00:00", "Z"),
        "last_seen_to": "everyone",
        "shows_read_receipts": True,
    }
    assert is_good(answer.json()["access"])
    assert stranger.post("/auth/refresh", {"refresh": answer.json()["refresh"]}).status_code == 200


def test_username_is_lower_case_and_display_name_is_as_typed(stranger):
    user = register(stranger, username=" Erin_1 ", email="ERIN@Example.ORG").json()["user"]

    assert (user["username"], user["email"]) == ("erin_1", "erin@example.org")
    assert user["display_name"] == "Erin_1"


def test_password_is_hashed_in_full(stranger):
    register(stranger, password=f" {PASSWORD} ")

    erin = User.objects.get(username="erin")
    assert PASSWORD not in erin.password
    assert erin.check_password(f" {PASSWORD} ")


def test_registration_is_listed_as_a_login(stranger):
    stranger.post("/auth/register", ERIN, HTTP_USER_AGENT="a\0b" * 100, REMOTE_ADDR="192.0.2.7")

    login = Login.objects.get(user__username="erin")
    assert (login.kind, login.ip) == ("api", "192.0.2.7")
    assert login.user_agent == ("ab" * 100)[:200]


def test_privileged_fields_are_ignored(stranger):
    register(stranger, is_staff=True, is_superuser=True, id="7")

    erin = User.objects.get(username="erin")
    assert not erin.is_staff
    assert not erin.is_superuser


def test_invalid_token_in_the_request_is_ignored(stranger):
    stranger.credentials(HTTP_AUTHORIZATION="Bearer stale")

    assert register(stranger).status_code == 201


@pytest.mark.parametrize("email", ["erin@ÄÖ.example.org", "erin@ꭰꭱꭲ.example.org"])
def test_email_domain_may_use_any_script_and_case(stranger, email):
    assert register(stranger, email=email).status_code == 201

    credentials = {"login": email.upper(), "password": PASSWORD}
    assert stranger.post("/auth/login", credentials).status_code == 200


@pytest.mark.parametrize("name", ["alice", "ALICE", " Alice ", "Ａlice", "ⓐlice"])
def test_other_spellings_of_a_username_are_taken(stranger, alice, name):
    assert_refused(register(stranger, username=name), "username")


@pytest.mark.parametrize("email", ["alice@example.org", " ALICE@Example.ORG "])
def test_other_spellings_of_an_email_are_taken(stranger, alice, email):
    answer = register(stranger, email=email)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


@pytest.mark.parametrize(
    "name",
    [
        "", "   ", "me", "e" * 31, "e" * 100_000, "er in", "er-in", "er.in", "er\nin",
        "erín", "еrin", "erin\u200b", "erin@example.org", "<erin>", "👩‍🚀👩‍🚀👩‍🚀",
    ],
)  # fmt: skip
def test_invalid_username_is_refused(stranger, name):
    assert_refused(register(stranger, username=name), "username")


@pytest.mark.parametrize(
    "email",
    [
        "", "erin", "erin@", "erin@@example.org", "er in@example.org",
        "erin@example.org\nBcc: all@example.org",
        f"erin@{'a' * 300}.org", f"erin{'e' * 300}@example.org", f"erin@{'a.' * 100_000}org",
    ],
)  # fmt: skip
def test_invalid_email_is_refused(stranger, email):
    assert_refused(register(stranger, email=email), "email")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "password1",
        "8675309867",
        "erin@example.org",
        "p" * 1001,
    ],
)
def test_invalid_password_is_refused(stranger, password):
    assert_refused(register(stranger, password=password), "password")


@pytest.mark.parametrize("display_name", ["E" * 61, "E" * 100_000])
def test_invalid_display_name_is_refused(stranger, display_name):
    assert_refused(register(stranger, display_name=display_name), "display_name")


def test_all_missing_fields_are_reported_together(stranger):
    assert_refused(stranger.post("/auth/register", {}), "username", "email", "password")


def test_closed_registration_is_refused(stranger, settings):
    settings.REGISTRATION_OPEN = False

    answer = register(stranger)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:registration_closed")
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("field", "first", "second"),
    [
        ("username", {}, {"email": "other@example.org"}),
        ("email", {}, {"username": "other"}),
    ],
)
def test_one_of_two_concurrent_registrations_gets_the_name(together, field, first, second):
    answers = together(lambda: register(**first), lambda: register(**second))

    refused = max(answers, key=lambda answer: answer.status_code)
    assert sorted(answer.status_code for answer in answers) == [201, 400]
    assert list(refused.json()["errors"]) == [field]
    assert User.objects.count() == Login.objects.count() == 1
