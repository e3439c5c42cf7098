"""Whom a request comes from: only what proxies of ours wrote counts, from the right."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from rest_framework.test import APIClient

from accounts.models import Login
from chatflow.proxies import TrustedProxies, caller_address, socket_address
from tests.conftest import PASSWORD

PEER = "192.0.2.1"


@pytest.fixture
def recorded(alice):
    """recorded(HTTP_X_FORWARDED_FOR="…") is the address that alice's new login is listed with."""

    def sign_in(**headers: str) -> str:
        credentials = {"login": "alice", "password": PASSWORD}
        answer = APIClient().post("/auth/login", credentials, REMOTE_ADDR=PEER, **headers)
        assert answer.status_code == 200
        return Login.objects.get().ip

    return sign_in


@pytest.mark.parametrize(
    "forged",
    [
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 203.0.113.8"},
        {"HTTP_X_REAL_IP": "203.0.113.9"},
        {"HTTP_FORWARDED": "for=203.0.113.9"},
        {"HTTP_CLIENT_IP": "203.0.113.9"},
    ],
)
def test_without_proxies_nothing_that_is_forwarded_counts(recorded, forged):
    assert recorded(**forged) == PEER


def test_without_proxies_nobody_is_secure_or_elsewhere_by_saying_so(rf: RequestFactory):
    request = rf.get("/", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="evil.example")

    assert not request.is_secure()
    assert request.get_host() == "testserver"


def test_behind_a_proxy_the_caller_is_who_the_proxy_saw(recorded, settings):
    settings.TRUSTED_PROXIES = 1

    assert recorded(HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7") == "198.51.100.7"


def test_a_claim_that_is_no_address_is_not_recorded(recorded, settings):
    settings.TRUSTED_PROXIES = 1

    assert recorded(HTTP_X_FORWARDED_FOR="'; DROP TABLE accounts_login; --\0") == PEER


@pytest.mark.parametrize(
    ("proxies", "forwarded_for", "caller"),
    [
        (0, "1.1.1.1", PEER),
        (1, "", PEER),
        (1, " , ,", PEER),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "forged, 1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6,1.1.1.1 ", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (9, "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "6.6.6.6, unknown", PEER),
        (1, "1.1.1.1:443", PEER),
        (1, "[2001:db8::1]:443", PEER),
        (1, "1.1.1", PEER),
        (1, "x" * 10_000, PEER),
    ],
)
def test_hops_are_counted_from_the_right(settings, proxies, forwarded_for, caller):
    settings.TRUSTED_PROXIES = proxies

    assert caller_address(forwarded_for, PEER) == caller


@pytest.mark.parametrize(
    ("proxies", "values", "caller"),
    [
        (0, [b"6.6.6.6"], PEER),
        (1, [], PEER),
        (1, [b"6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (1, [b"6.6.6.6", b"1.1.1.1"], "1.1.1.1"),
        (2, [b"6.6.6.6, 1.1.1.1", b"2.2.2.2"], "1.1.1.1"),
        (1, [b"\xff\xfe"], PEER),
    ],
)
def test_a_socket_s_caller_is_found_the_same_way(settings, proxies, values, caller):
    settings.TRUSTED_PROXIES = proxies
    headers = [(b"x-forwarded-for", value) for value in values]

    scope = {"client": (PEER, 5000), "headers": [(b"host", b"x"), *headers]}

    assert socket_address(scope) == caller


def test_a_socket_without_an_address_has_none():
    assert socket_address({"headers": []}) == ""


def test_the_middleware_hands_on_the_answer(rf: RequestFactory, settings):
    settings.TRUSTED_PROXIES = 1
    request = rf.get("/", HTTP_X_FORWARDED_FOR="1.1.1.1")

    assert TrustedProxies(lambda request: request.META["REMOTE_ADDR"])(request) == "1.1.1.1"
