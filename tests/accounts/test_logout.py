"""Logging out revokes the tokens of one login and leaves all others alone."""

from __future__ import annotations

import pytest

from accounts.models import Login
from chatflow.live.events import Close


def log_out(client, refresh):
    return client.post("/auth/logout", {"refresh": refresh})


@pytest.fixture
def logged_in(stranger, tokens):
    """logged_in(alice) returns a client and the refresh token of the same new login."""

    def make(user):
        pair = tokens(user)
        stranger.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        return stranger, pair.refresh

    return make


def test_logout_revokes_the_tokens(alice, logged_in, announced):
    client, refresh = logged_in(alice)

    with announced() as events:
        answer = log_out(client, refresh)

    login = Login.objects.get()
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/users/me").status_code == 401
    assert client.post("/auth/refresh", {"refresh": refresh}).status_code == 401
    assert [event.control for event in events] == [Close(4401, login_id=str(login.id))]


def test_logging_out_twice_is_refused(alice, logged_in):
    client, refresh = logged_in(alice)
    log_out(client, refresh)
    ended_at = Login.objects.get().ended_at

    assert log_out(client, refresh).status_code == 401
    assert Login.objects.get().ended_at == ended_at


def test_logout_keeps_other_logins(alice, tokens, logged_in, is_good):
    other = tokens(alice)
    client, refresh = logged_in(alice)

    log_out(client, refresh)

    assert is_good(other.access)


def test_rotated_refresh_token_still_logs_out(alice, logged_in):
    client, refresh = logged_in(alice)
    client.post("/auth/refresh", {"refresh": refresh})

    assert log_out(client, refresh).status_code == 204
    assert client.get("/users/me").status_code == 401


def test_refresh_token_of_another_user_is_refused(mallory, alice, tokens, logged_in, is_good):
    hers = tokens(alice)
    client, _refresh = logged_in(mallory)

    assert log_out(client, hers.refresh).status_code == 401

    assert is_good(hers.access)
    assert client.get("/users/me").status_code == 200


def test_logout_requires_an_access_token(stranger, alice, tokens, is_good):
    pair = tokens(alice)

    assert log_out(stranger, pair.refresh).status_code == 401
    assert is_good(pair.access)


def test_invalid_refresh_token_is_refused(alice, logged_in):
    client, _refresh = logged_in(alice)

    assert log_out(client, "junk").status_code == 401
    assert client.get("/users/me").status_code == 200
