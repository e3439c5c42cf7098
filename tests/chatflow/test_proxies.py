"""A client's address comes from the entries that trusted proxies added."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from django.test import RequestFactory
from rest_framework.test import APIClient

from accounts.models import Login
from chatflow.limits import policy as limits
from chatflow.server.proxies import TrustedProxies, caller_address, socket_address
from tests.conftest import PASSWORD

PEER = "192.0.2.1"


@pytest.fixture
def recorded(alice):
    """Return a function that logs alice in with these headers and returns the address stored."""

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
def test_forwarded_headers_are_ignored_without_proxies(recorded, forged):
    assert recorded(**forged) == PEER


def test_forwarded_protocol_and_host_are_ignored_without_proxies(rf: RequestFactory):
    request = rf.get("/", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="evil.example")

    assert not request.is_secure()
    assert request.get_host() == "testserver"


def test_proxy_reports_the_client_s_address(recorded, settings):
    settings.TRUSTED_PROXIES = 1

    assert recorded(HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7") == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("203.0.113.7:51234", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        (f"fe80::1%{'a' * 60}", "fe80::1"),
    ],
)
def test_port_and_zone_are_removed_from_the_address(recorded, settings, forwarded_for, address):
    settings.TRUSTED_PROXIES = 1

    assert recorded(HTTP_X_FORWARDED_FOR=forwarded_for) == address


def test_zone_is_removed_from_a_peer_s_address(alice):
    credentials = {"login": "alice", "password": PASSWORD}

    APIClient().post("/auth/login", credentials, REMOTE_ADDR="fe80::1%eth0")

    assert Login.objects.get().ip == "fe80::1"


def test_clients_of_one_proxy_have_separate_limits(settings, db, few):
    settings.TRUSTED_PROXIES = 1
    few(limits.REGISTRATION, 1)

    def ask(client: str) -> int:
        email = {"email": "nobody@example.org"}
        answer = APIClient().post("/auth/password-reset", email, HTTP_X_FORWARDED_FOR=client)
        return answer.status_code

    assert ask("203.0.113.7:1000") < 400
    assert ask("203.0.113.7:2000") == 429
    assert ask("203.0.113.8:1000") < 400


def test_invalid_forwarded_address_is_not_recorded(recorded, settings):
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
        (1, "1.1.1.1:443", "1.1.1.1"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "2001:DB8:0::1", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, f"fe80::1%{'a' * 60}", "fe80::1"),
        (1, "[fe80::1%25eth0]:443", "fe80::1"),
        (1, "::ffff:192.0.2.7", str(ip_address("::ffff:192.0.2.7"))),
        (1, "1.1.1.1:", PEER),
        (1, "1.1.1.1:443:443", PEER),
        (1, "[2001:db8::1", PEER),
        (1, "[1.1.1.1:443]", PEER),
        (1, "[2001:db8::1]evil", PEER),
        (1, "1.1.1", PEER),
        (1, "x" * 10_000, PEER),
    ],
)
def test_trusted_hops_are_counted_from_the_right(settings, proxies, forwarded_for, caller):
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
def test_socket_address_uses_forwarded_headers(settings, proxies, values, caller):
    settings.TRUSTED_PROXIES = proxies
    headers = [(b"x-forwarded-for", value) for value in values]

    scope = {"client": (PEER, 5000), "headers": [(b"host", b"x"), *headers]}

    assert socket_address(scope) == caller


def test_socket_without_an_address_has_an_empty_one():
    assert socket_address({"headers": []}) == ""


def test_middleware_returns_the_response(rf: RequestFactory, settings):
    settings.TRUSTED_PROXIES = 1
    request = rf.get("/", HTTP_X_FORWARDED_FOR="1.1.1.1")

    assert TrustedProxies(lambda request: request.META["REMOTE_ADDR"])(request) == "1.1.1.1"
