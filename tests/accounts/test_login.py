"""Logging in by username or email, and the one answer to all wrong credentials."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher

from accounts.models import Login, User
from accounts.services import change_password, delete_account, restore, suspend
from tests.conftest import PASSWORD


def log_in(client, login="alice", password=PASSWORD):
    return client.post("/auth/login", {"login": login, "password": password})


class Meanwhile(MD5PasswordHasher):
    """A hasher that runs an act between the password check and the creation of the login."""

    acts: ClassVar = []

    def verify(self, password, encoded):
        fits = super().verify(password, encoded)
        if self.acts:
            self.acts.pop()()
        return fits


@pytest.mark.parametrize(
    "login", ["alice", "ALICE", " Alice ", "Ａlice", "alice@example.org", "Alice@Example.ORG"]
)
def test_login_by_username_or_email(stranger, alice, is_good, login):
    answer = log_in(stranger, login)

    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "access", "refresh"}
    assert answer.json()["user"]["email"] == "alice@example.org"
    assert is_good(answer.json()["access"])


def test_each_login_is_separate(stranger, alice, is_good):
    first, second = log_in(stranger).json(), log_in(stranger).json()

    assert Login.objects.filter(user=alice).count() == 2
    assert is_good(first["access"])
    assert is_good(second["access"])


def test_invalid_token_in_the_request_is_ignored(stranger, alice):
    stranger.credentials(HTTP_AUTHORIZATION="Bearer stale")

    assert log_in(stranger).status_code == 200


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("alice", "wrong"),
        ("alice", f" {PASSWORD}"),
        ("alice", PASSWORD.upper()),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("Alice B.", PASSWORD),
        ("alice%", PASSWORD),
    ],
)
def test_all_wrong_credentials_have_the_same_answer(stranger, person, login, password):
    person("alice", display_name="Alice B.")

    answer = log_in(stranger, login, password)

    assert answer.status_code == 401
    assert answer.json() == {
        "type": "urn:chatflow:bad_credentials",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Incorrect username or password.",
    }
    assert not Login.objects.exists()


def test_suspended_user_cannot_log_in_until_restored(stranger, alice):
    suspend(user=alice)
    assert log_in(stranger).status_code == 401

    restore(user=alice)

    assert log_in(stranger).status_code == 200


@pytest.mark.parametrize("login", ["alice", "alice@example.org", "deleted"])
def test_deleted_account_cannot_log_in(stranger, alice, login):
    delete_account(user=alice, password=PASSWORD)
    names = {"deleted": alice.username}

    assert log_in(stranger, names.get(login, login)).status_code == 401


@pytest.mark.parametrize("field", ["login", "password"])
@pytest.mark.parametrize("value", ["", "a" * 1001, "a" * 100_000])
def test_malformed_credentials_are_refused(stranger, alice, field, value):
    answer = stranger.post("/auth/login", {"login": "alice", "password": PASSWORD, field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


@pytest.mark.parametrize(
    "act",
    [
        lambda user: change_password(user=user, current=PASSWORD, new="another one", login=None),
        lambda user: suspend(user=user),
        lambda user: delete_account(user=user, password=PASSWORD),
    ],
    ids=["new password", "suspended", "deleted"],
)
def test_login_fails_if_the_account_changes_during_the_password_check(
    stranger, alice, settings, monkeypatch, act
):
    settings.PASSWORD_HASHERS = [f"{__name__}.Meanwhile"]
    monkeypatch.setattr(Meanwhile, "acts", [lambda: act(User.objects.get(username="alice"))])

    answer = log_in(stranger)

    assert answer.status_code == 401
    assert not Meanwhile.acts
    assert not Login.objects.exists()
