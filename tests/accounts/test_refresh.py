"""Refreshing tokens: a refresh token works once, and a second use ends the login."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import AsyncRequestFactory
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.api import RefreshView
from accounts.auth.tokens import LOGIN_CLAIM, TokenPair
from accounts.models import Login
from accounts.services import BadRefreshToken, end_logins, refresh_login, suspend
from chatflow.live.events import Close


def refresh(token, client=None):
    return (client or APIClient()).post("/auth/refresh", {"refresh": token})


def test_refresh_returns_a_new_pair(alice, tokens, is_good):
    first = tokens(alice)

    answer = refresh(first.refresh)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert answer.json()["refresh"] != first.refresh
    assert is_good(answer.json()["access"])


def test_new_refresh_token_can_be_refreshed_again(alice, tokens):
    token = tokens(alice).refresh

    for _turn in range(5):
        token = refresh(token).json()["refresh"]

    assert Login.objects.count() == 1
    assert refresh(token).status_code == 200


def test_refresh_updates_the_last_use(alice, tokens):
    pair = tokens(alice)
    long_ago = timezone.now() - timedelta(days=20)
    Login.objects.update(last_used_at=long_ago)

    refresh(pair.refresh)

    assert Login.objects.get().last_used_at > long_ago


def test_reused_token_ends_the_login(alice, tokens, is_good, announced):
    first = tokens(alice)
    second = refresh(first.refresh).json()

    with announced() as events:
        answer = refresh(first.refresh)

    assert answer.status_code == 401
    assert refresh(second["refresh"]).status_code == 401
    assert not is_good(second["access"])
    assert [event.control for event in events] == [
        Close(4401, login_id=str(Login.objects.get().id))
    ]


def test_reused_token_keeps_other_logins(alice, tokens, is_good):
    copied, other = tokens(alice), tokens(alice)
    refresh(copied.refresh)

    assert refresh(copied.refresh).status_code == 401

    assert is_good(other.access)
    assert refresh(other.refresh).status_code == 200


def test_parallel_request_is_refused_without_ending_the_login(alice, tokens, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()
    second = refresh(first).json()
    late = AsyncRequestFactory().post("/auth/refresh", {"refresh": first})
    late.scope["received_at"] = sent_at

    assert RefreshView.as_view()(late).status_code == 401

    assert is_good(second["access"])
    assert refresh(second["refresh"]).status_code == 200


@pytest.fixture
def clock(monkeypatch):
    """clock(5) sets the server's clock 5 seconds ahead for the next request."""
    correct = timezone.now

    def set_fast(seconds: float) -> None:
        monkeypatch.setattr(timezone, "now", lambda: correct() + timedelta(seconds=seconds))

    return set_fast


@pytest.mark.services
@pytest.mark.parametrize("fast", [5, -5])
def test_parallel_request_does_not_end_the_login_despite_clock_differences(
    alice, tokens, clock, is_good, fast
):
    first = tokens(alice).refresh
    clock(fast)
    sent_at = timezone.now()
    clock(0)
    second = refresh(first).json()
    clock(fast)

    with pytest.raises(BadRefreshToken):
        refresh_login(refresh=first, received_at=sent_at)

    clock(0)
    assert is_good(second["access"])


@pytest.mark.services
@pytest.mark.parametrize("fast", [5, -5])
def test_reuse_ends_the_login_despite_clock_differences(alice, tokens, clock, is_good, fast):
    first = tokens(alice).refresh
    second = refresh(first).json()
    clock(fast)

    assert refresh(first).status_code == 401

    clock(0)
    assert not is_good(second["access"])


def test_token_issued_slightly_in_the_future_is_accepted(alice, tokens, is_good):
    tokens(alice)
    login = Login.objects.get()
    issued_at = int(timezone.now().timestamp()) + 2

    assert is_good(str(forged(AccessToken(), login, iat=issued_at)))
    assert refresh(str(forged(RefreshToken(), login, iat=issued_at))).status_code == 200


def test_token_issued_far_in_the_future_is_refused(alice, tokens, is_good):
    tokens(alice)
    issued_at = int(timezone.now().timestamp()) + 60

    assert not is_good(str(forged(AccessToken(), Login.objects.get(), iat=issued_at)))


@pytest.mark.django_db(transaction=True)
def test_one_of_several_concurrent_requests_succeeds(alice, tokens, together, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()

    def send() -> TokenPair:
        return refresh_login(refresh=first, received_at=sent_at)

    winner, *losers = sorted(together(*[send] * 5), key=lambda pair: isinstance(pair, Exception))

    assert [type(refusal) for refusal in losers] == [BadRefreshToken] * 4
    assert is_good(winner.access)
    assert refresh(winner.refresh).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_reuse_after_concurrent_requests_ends_the_login(alice, tokens, together, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()
    together(*[lambda: refresh_login(refresh=first, received_at=sent_at)] * 2)
    access = str(forged(AccessToken(), Login.objects.get()))
    assert is_good(access)

    assert refresh(first).status_code == 401

    assert not is_good(access)


@pytest.mark.django_db(transaction=True)
def test_at_most_one_of_many_parallel_requests_succeeds(alice, tokens, together):
    first = tokens(alice).refresh

    answers = together(*[lambda: refresh(first)] * 5)

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 401, 401, 401, 401]


@pytest.mark.parametrize("act", [suspend, end_logins])
def test_ended_login_cannot_be_refreshed(alice, tokens, act):
    pair = tokens(alice)
    act(user=alice)

    assert refresh(pair.refresh).status_code == 401


def forged(token, alice_login, **claims):
    token["jti"] = alice_login.refresh_id
    token[LOGIN_CLAIM] = str(alice_login.id)
    for name, value in claims.items():
        token[name] = value
    return token


@pytest.mark.parametrize(
    "make",
    [
        lambda login: str(forged(AccessToken(), login)),
        lambda login: str(forged(RefreshToken(), login, exp=1)),
        lambda login: str(forged(RefreshToken(), login, **{LOGIN_CLAIM: "no id"})),
        lambda login: str(forged(RefreshToken(), login, **{LOGIN_CLAIM: str(login.user_id)})),
        lambda login: str(RefreshToken()),
        lambda login: str(forged(RefreshToken(), login))[:-4] + "AAAA",
        lambda login: "eyJhbGciOiJub25lIn0.e30.",
        lambda login: "a.b.c",
        lambda login: "é",
    ],
    ids=["access", "expired", "no id", "no login", "no claim", "altered", "none", "junk", "é"],
)
def test_forged_refresh_token_is_refused(alice, tokens, make):
    pair = tokens(alice)

    answer = refresh(make(Login.objects.get()))

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:chatflow:bad_refresh_token")
    assert refresh(pair.refresh).status_code == 200


def test_refresh_token_is_not_an_access_token(alice, tokens, is_good):
    assert not is_good(tokens(alice).refresh)


@pytest.mark.parametrize("value", ["", "a" * 2001])
def test_malformed_refresh_token_is_refused(stranger, value):
    answer = refresh(value, stranger)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["refresh"])
