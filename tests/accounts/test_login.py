"""Signing in: by username or email in any case, and one answer to whatever does not match."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher

from accounts.models import Login, User
from accounts.services import change_password, delete_account, restore, suspend
from tests.conftest import PASSWORD


def sign_in(client, login="alice", password=PASSWORD):
    return client.post("/auth/login", {"login": login, "password": password})


class Meanwhile(MD5PasswordHasher):
    """Something happens between the password that fits and the login that it opens."""

    acts: ClassVar = []

    def verify(self, password, encoded):
        fits = super().verify(password, encoded)
        if self.acts:
            self.acts.pop()()
        return fits


@pytest.mark.parametrize(
    "login", ["alice", "ALICE", " Alice ", "Ａlice", "alice@example.org", "Alice@Example.ORG"]
)
def test_alice_signs_in_by_username_or_email(stranger, alice, is_good, login):
    answer = sign_in(stranger, login)

    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "access", "refresh"}
    assert answer.json()["user"]["email"] == "alice@example.org"
    assert is_good(answer.json()["access"])


def test_each_sign_in_is_a_login_of_its_own(stranger, alice, is_good):
    first, second = sign_in(stranger).json(), sign_in(stranger).json()

    assert Login.objects.filter(user=alice).count() == 2
    assert is_good(first["access"])
    assert is_good(second["access"])


def test_a_stale_token_beside_the_request_does_no_harm(stranger, alice):
    stranger.credentials(HTTP_AUTHORIZATION="Bearer stale")

    assert sign_in(stranger).status_code == 200


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
def test_whatever_does_not_match_has_one_answer(stranger, person, login, password):
    person("alice", display_name="Alice B.")

    answer = sign_in(stranger, login, password)

    assert answer.status_code == 401
    assert answer.json() == {
        "type": "urn:chatflow:bad_credentials",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Username and password do not match.",
    }
    assert not Login.objects.exists()


def test_a_suspended_person_stays_out_until_restored(stranger, alice):
    suspend(user=alice)
    assert sign_in(stranger).status_code == 401

    restore(user=alice)

    assert sign_in(stranger).status_code == 200


@pytest.mark.parametrize("login", ["alice", "alice@example.org", "deleted"])
def test_nobody_signs_in_to_a_deleted_account(stranger, alice, login):
    delete_account(user=alice, password=PASSWORD)
    names = {"deleted": alice.username}

    assert sign_in(stranger, names.get(login, login)).status_code == 401


@pytest.mark.parametrize("field", ["login", "password"])
@pytest.mark.parametrize("value", ["", "a" * 1001, "a" * 100_000])
def test_what_is_no_credential(stranger, alice, field, value):
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
def test_a_sign_in_that_was_overtaken_opens_nothing(stranger, alice, settings, monkeypatch, act):
    settings.PASSWORD_HASHERS = [f"{__name__}.Meanwhile"]
    monkeypatch.setattr(Meanwhile, "acts", [lambda: act(User.objects.get(username="alice"))])

    answer = sign_in(stranger)

    assert answer.status_code == 401
    assert not Meanwhile.acts
    assert not Login.objects.exists()
