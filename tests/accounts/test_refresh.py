"""The next pair of tokens: a refresh token is good once, and a second use ends the login."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import AsyncRequestFactory
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.api import RefreshView
from accounts.models import Login
from accounts.services import BadRefreshToken, end_logins, refresh_login, suspend
from accounts.tokens import LOGIN_CLAIM, TokenPair


def refresh(token, client=None):
    return (client or APIClient()).post("/auth/refresh", {"refresh": token})


def test_alice_gets_the_next_pair(alice, tokens, is_good):
    first = tokens(alice)

    answer = refresh(first.refresh)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert answer.json()["refresh"] != first.refresh
    assert is_good(answer.json()["access"])


def test_pairs_follow_one_another(alice, tokens):
    token = tokens(alice).refresh

    for _turn in range(5):
        token = refresh(token).json()["refresh"]

    assert Login.objects.count() == 1
    assert refresh(token).status_code == 200


def test_refreshing_counts_as_using_the_login(alice, tokens):
    pair = tokens(alice)
    long_ago = timezone.now() - timedelta(days=20)
    Login.objects.update(last_used_at=long_ago)

    refresh(pair.refresh)

    assert Login.objects.get().last_used_at > long_ago


def test_a_token_that_comes_again_ends_the_login(alice, tokens, is_good, announced):
    first = tokens(alice)
    second = refresh(first.refresh).json()

    with announced() as events:
        answer = refresh(first.refresh)

    assert answer.status_code == 401
    assert refresh(second["refresh"]).status_code == 401
    assert not is_good(second["access"])
    assert [(event.ends, event.login) for event in events] == [(4401, str(Login.objects.get().id))]


def test_her_other_logins_go_on_when_one_was_copied(alice, tokens, is_good):
    copied, other = tokens(alice), tokens(alice)
    refresh(copied.refresh)

    assert refresh(copied.refresh).status_code == 401

    assert is_good(other.access)
    assert refresh(other.refresh).status_code == 200


def test_one_that_was_on_its_way_before_another_won_is_merely_refused(alice, tokens, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()
    second = refresh(first).json()
    late = AsyncRequestFactory().post("/auth/refresh", {"refresh": first})
    late.scope["received_at"] = sent_at

    assert RefreshView.as_view()(late).status_code == 401

    assert is_good(second["access"])
    assert refresh(second["refresh"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_those_that_were_sent_at_once_one_wins_and_goes_on(alice, tokens, together, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()

    def send() -> TokenPair:
        return refresh_login(refresh=first, received_at=sent_at)

    winner, *losers = sorted(together(*[send] * 5), key=lambda pair: isinstance(pair, Exception))

    assert [type(refusal) for refusal in losers] == [BadRefreshToken] * 4
    assert is_good(winner.access)
    assert refresh(winner.refresh).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_late_one_after_those_ends_the_login(alice, tokens, together, is_good):
    first, sent_at = tokens(alice).refresh, timezone.now()
    together(*[lambda: refresh_login(refresh=first, received_at=sent_at)] * 2)
    access = str(forged(AccessToken(), Login.objects.get()))
    assert is_good(access)

    assert refresh(first).status_code == 401

    assert not is_good(access)


@pytest.mark.django_db(transaction=True)
def test_of_many_parallel_requests_one_is_answered_at_most(alice, tokens, together):
    first = tokens(alice).refresh

    answers = together(*[lambda: refresh(first)] * 5)

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 401, 401, 401, 401]


@pytest.mark.parametrize("act", [suspend, end_logins])
def test_a_login_that_is_over_is_not_refreshed(alice, tokens, act):
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
def test_what_is_no_refresh_token_of_ours(alice, tokens, make):
    pair = tokens(alice)

    answer = refresh(make(Login.objects.get()))

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:chatflow:bad_refresh_token")
    assert refresh(pair.refresh).status_code == 200


def test_a_refresh_token_opens_nothing(alice, tokens, is_good):
    assert not is_good(tokens(alice).refresh)


@pytest.mark.parametrize("value", ["", "a" * 2001])
def test_what_is_not_even_a_token(stranger, value):
    answer = refresh(value, stranger)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["refresh"])
