"""Signing out: that login's tokens are dead at once, and nobody else's."""

from __future__ import annotations

import pytest

from accounts.models import Login


def log_out(client, refresh):
    return client.post("/auth/logout", {"refresh": refresh})


@pytest.fixture
def signed_in(stranger, tokens):
    """signed_in(alice) answers her client and the refresh token of the same login."""

    def make(user):
        pair = tokens(user)
        stranger.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        return stranger, pair.refresh

    return make


def test_alice_signs_out(alice, signed_in, announced):
    client, refresh = signed_in(alice)

    with announced() as events:
        answer = log_out(client, refresh)

    login = Login.objects.get()
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/users/me").status_code == 401
    assert client.post("/auth/refresh", {"refresh": refresh}).status_code == 401
    assert [(event.ends, event.login) for event in events] == [(4401, str(login.id))]


def test_signing_out_twice_is_not_possible(alice, signed_in):
    client, refresh = signed_in(alice)
    log_out(client, refresh)
    ended_at = Login.objects.get().ended_at

    assert log_out(client, refresh).status_code == 401
    assert Login.objects.get().ended_at == ended_at


def test_her_other_logins_go_on(alice, tokens, signed_in, is_good):
    other = tokens(alice)
    client, refresh = signed_in(alice)

    log_out(client, refresh)

    assert is_good(other.access)


def test_a_token_that_was_rotated_still_says_which_login(alice, signed_in):
    client, refresh = signed_in(alice)
    client.post("/auth/refresh", {"refresh": refresh})

    assert log_out(client, refresh).status_code == 204
    assert client.get("/users/me").status_code == 401


def test_mallory_cannot_sign_alice_out(mallory, alice, tokens, signed_in, is_good):
    hers = tokens(alice)
    client, _refresh = signed_in(mallory)

    assert log_out(client, hers.refresh).status_code == 401

    assert is_good(hers.access)
    assert client.get("/users/me").status_code == 200


def test_a_stranger_signs_nobody_out(stranger, alice, tokens, is_good):
    pair = tokens(alice)

    assert log_out(stranger, pair.refresh).status_code == 401
    assert is_good(pair.access)


def test_junk_for_a_token_signs_nobody_out(alice, signed_in):
    client, _refresh = signed_in(alice)

    assert log_out(client, "junk").status_code == 401
    assert client.get("/users/me").status_code == 200
