"""Limits on failed logins by account, by address and by device."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from rest_framework.test import APIClient

from accounts.services import change_password, open_login
from chatflow.limits import policy as limits
from chatflow.limits.token_bucket import MemoryBuckets
from tests.conftest import PASSWORD, PROGRAM

pytestmark = pytest.mark.usefixtures("limited")

SCHOOL, HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7", "203.0.113.9"


class Counting(MD5PasswordHasher):
    hashed: ClassVar[list[str]] = []

    def encode(self, password, salt):
        self.hashed.append(password)
        return super().encode(password, salt)


@pytest.fixture
def hashed(settings) -> list[str]:
    """The passwords that were hashed since the start of the test."""
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    Counting.hashed.clear()
    return Counting.hashed


def log_in(login="alice", password=PASSWORD, address=ELSEWHERE, **headers):
    credentials = {"login": login, "password": password}
    return APIClient().post("/auth/login", credentials, REMOTE_ADDR=address, **headers)


def fail_to_log_in(login="alice", address=ELSEWHERE, **headers):
    return log_in(login, "a wrong password", address, **headers)


def attempts_until_refused(**kwargs) -> int:
    """Fail to log in until it is refused, and return the number of attempts."""
    return next(
        number for number in itertools.count() if fail_to_log_in(**kwargs).status_code == 429
    )


def addresses():
    return (f"10.0.{number // 250}.{number % 250 + 1}" for number in itertools.count())


def fail_from_many_addresses() -> None:
    """Fail to log in from many addresses until the account's limit is reached."""
    for address in addresses():
        for _ in range(limits.FAILED_LOGINS.at_once):
            if fail_to_log_in(address=address).status_code == 429:
                return


# Attackers


def test_too_many_failed_logins_are_refused_with_a_waiting_time(alice):
    assert attempts_until_refused() == limits.FAILED_LOGINS.at_once

    answer = fail_to_log_in()

    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.json()["type"] == "urn:chatflow:too_many"
    assert "Try again in" in answer.json()["detail"]


def test_refused_login_computes_no_hash(alice, hashed):
    attempts_until_refused()
    before = len(hashed)

    assert log_in().status_code == 429
    assert len(hashed) == before


@pytest.mark.parametrize("name", ["ALICE", " alice ", "Ａlice"])
def test_other_spellings_count_for_the_same_account(alice, name):
    attempts_until_refused()

    assert fail_to_log_in(name).status_code == 429


def test_unknown_accounts_are_limited_like_existing_ones(alice):
    assert attempts_until_refused(login="nobody") == attempts_until_refused(login="alice")
    unknown, known = fail_to_log_in("nobody").json(), fail_to_log_in("alice").json()
    for body in (unknown, known):
        body["detail"] = re.sub(r"\d+", "N", body["detail"])  # seconds, which pass
    assert unknown == known


def test_ipv6_addresses_of_one_network_share_the_limit(alice):
    for number in range(limits.FAILED_LOGINS.at_once):
        assert fail_to_log_in(address=f"2001:db8::{number}").status_code == 401

    assert fail_to_log_in(address="2001:db8::ffff").status_code == 429


def test_successful_logins_do_not_count_as_failed(alice):
    for _ in range(3 * limits.FAILED_LOGINS.at_once):
        assert log_in().status_code == 200

    assert attempts_until_refused() == limits.FAILED_LOGINS.at_once


def test_correct_passwords_are_limited_as_well(alice, few):
    few(limits.LOGIN, 5)

    statuses = [log_in().status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]


def test_concurrent_attempts_cannot_exceed_the_limit(transactional_db, person, together):
    person("alice")

    answers = together(*[lambda: fail_to_log_in().status_code] * 15)

    assert sorted(answers) == [401] * limits.FAILED_LOGINS.at_once + [429] * 5


def test_attempts_on_many_accounts_from_one_address_are_limited(db, few):
    few(limits.FAILED_LOGINS_FROM_ADDRESS, 20)
    statuses = [fail_to_log_in(f"person_{number}").status_code for number in range(21)]

    assert statuses == [401] * 20 + [429]
    assert fail_to_log_in("person_99", address=HOME).status_code == 401


def test_attempts_refused_for_the_address_do_not_count_for_the_account(alice, few):
    few(limits.FAILED_LOGINS_FROM_ADDRESS, 1)
    fail_to_log_in("somebody")
    for _ in range(limits.FAILED_LOGINS.at_once):
        assert fail_to_log_in().status_code == 429

    # Now alice has logged in from this address, so its limit no longer applies to her.
    open_login(user=alice, device=replace(PROGRAM, ip=ELSEWHERE))

    assert attempts_until_refused() == limits.FAILED_LOGINS.at_once


def test_refused_address_uses_no_more_memory(db, few, monkeypatch):
    few(limits.FAILED_LOGINS_FROM_ADDRESS, 3)
    kept = MemoryBuckets()
    monkeypatch.setattr("chatflow.limits.policy.buckets", lambda: kept)
    for number in range(3):
        fail_to_log_in(f"person_{number}")
    before = len(kept)

    for number in range(20):
        assert fail_to_log_in(f"invented_{number}").status_code == 429

    assert len(kept) == before


# Many users behind one address


def test_failed_logins_of_one_user_do_not_affect_others_at_the_address(crowd, person):
    pupils = [person(f"pupil_{number}") for number in range(30)]
    for _ in range(10 * limits.FAILED_LOGINS.at_once):
        fail_to_log_in("pupil_0", address=SCHOOL)
    assert log_in("pupil_0", address=SCHOOL).status_code == 429

    statuses = {log_in(pupil.username, address=SCHOOL).status_code for pupil in pupils[1:]}

    assert statuses == {200}


def test_many_users_can_register_from_one_address(db):
    def sign_up(number: int) -> int:
        wish = {
            "username": f"pupil_{number}",
            "email": f"{number}@example.org",
            "password": PASSWORD,
        }
        return APIClient().post("/auth/register", wish, REMOTE_ADDR=SCHOOL).status_code

    assert {sign_up(number) for number in range(30)} == {201}
    refused = {sign_up(number) for number in range(30, 30 + limits.REGISTRATION.at_once)}

    assert refused == {201, 429}


def test_known_address_of_the_account_is_exempt_from_the_address_limit(alice, person, few):
    few(limits.FAILED_LOGINS_FROM_ADDRESS, 20)
    person("newcomer")
    log_in(address=SCHOOL)
    for number in range(30):
        fail_to_log_in(f"person_{number}", address=SCHOOL)

    assert log_in("newcomer", address=SCHOOL).status_code == 429
    assert log_in("alice", address=SCHOOL).status_code == 200


# Attempts to lock a user out


def test_failed_logins_elsewhere_do_not_lock_the_user_out(alice):
    attempts_until_refused(address=ELSEWHERE)

    assert log_in(address=HOME).status_code == 200


def test_failed_logins_from_many_addresses_share_a_limit(alice, hashed):
    fail_from_many_addresses()

    assert len(hashed) == limits.FAILED_LOGINS_OF_ACCOUNT.at_once
    assert fail_to_log_in(address=ELSEWHERE).status_code == 429


def test_known_address_of_the_account_is_exempt_from_the_account_limit(alice):
    assert log_in(address=HOME).status_code == 200
    fail_from_many_addresses()

    assert log_in(address=HOME).status_code == 200
    assert fail_to_log_in(address=HOME).status_code == 401


def test_address_stays_known_after_logging_out(alice):
    tokens = log_in(address="2001:db8::1").json()
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    client.post("/auth/logout", {"refresh": tokens["refresh"]})
    fail_from_many_addresses()

    assert log_in(address="2001:db8::2").status_code == 200


def test_known_browser_can_log_in_even_from_the_attackers_address(alice):
    hers, another = Client(REMOTE_ADDR=SCHOOL), Client(REMOTE_ADDR=SCHOOL)
    form = {"login": "alice", "password": PASSWORD}
    assert hers.post("/login", form).status_code == 302
    hers.post("/logout")
    attempts_until_refused(address=SCHOOL)

    assert another.post("/login", form).status_code == 429
    assert hers.post("/login", form).status_code == 302


def test_known_browser_has_the_same_limit_as_others(alice):
    hers = Client()
    hers.post("/login", {"login": "alice", "password": PASSWORD})
    hers.post("/logout")
    form = {"login": "alice", "password": "wrong"}

    statuses = [hers.post("/login", form).status_code for _ in range(12)]

    assert statuses == [422] * limits.FAILED_LOGINS.at_once + [429] * 2


def browser_with_device_cookie(password=PASSWORD):
    browser = Client()
    assert browser.post("/login", {"login": "alice", "password": password}).status_code == 302
    browser.post("/logout")
    return browser


def test_known_browsers_share_a_limit(alice, few):
    few(limits.FAILED_LOGINS_OF_ACCOUNT, 5)
    browsers = [browser_with_device_cookie() for _ in range(3)]
    form = {"login": "alice", "password": "wrong"}

    statuses = [each.post("/login", form).status_code for each in browsers for _ in range(3)]

    assert statuses == [422] * 5 + [429] * 4


def test_attackers_cannot_exhaust_the_limit_of_known_browsers(alice, few):
    hers = browser_with_device_cookie()
    few(limits.FAILED_LOGINS_OF_ACCOUNT, 5)
    fail_from_many_addresses()

    assert hers.post("/login", {"login": "alice", "password": PASSWORD}).status_code == 302


def test_new_password_revokes_all_device_cookies(alice):
    former = browser_with_device_cookie()
    change_password(user=alice, current=PASSWORD, new="another long enough one", login=None)
    attempts_until_refused(address="127.0.0.1")

    answer = former.post("/login", {"login": "alice", "password": "another long enough one"})

    assert answer.status_code == 429


def test_browser_that_changed_the_password_gets_a_new_device_cookie(alice):
    hers, new = Client(), "another long enough one"
    hers.post("/login", {"login": "alice", "password": PASSWORD})
    hers.post("/settings/password", {"current": PASSWORD, "new": new})
    hers.post("/logout")
    attempts_until_refused(address="127.0.0.1")

    assert hers.post("/login", {"login": "alice", "password": new}).status_code == 302


@pytest.mark.parametrize("mark", ["made.up", ".", "", "x" * 5000, "\xe9."])
def test_forged_device_cookie_has_no_effect(alice, mark):
    attempts_until_refused(address="127.0.0.1")
    browser = Client()
    browser.cookies["device"] = mark

    assert browser.post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429


def test_device_cookie_is_valid_for_one_user(alice, bob):
    bobs = Client()
    bobs.post("/login", {"login": "bob", "password": PASSWORD})
    bobs.post("/logout")
    attempts_until_refused(address="127.0.0.1")

    assert bobs.post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429
    assert "bob" not in bobs.cookies["device"].value
    assert str(bob.id) not in bobs.cookies["device"].value


# Forged addresses


@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED"])
def test_forged_proxy_headers_do_not_change_the_address(alice, settings, proxies, header):
    settings.TRUSTED_PROXIES = proxies

    def forged(number: int) -> dict[str, str]:
        headers = {header: f"203.0.113.{number}"}
        if proxies:  # The proxy adds the address that it sees.
            headers["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}, {ELSEWHERE}"
        return headers

    statuses = [
        fail_to_log_in(address="10.0.0.1", **forged(number)).status_code for number in range(12)
    ]

    assert statuses == [401] * limits.FAILED_LOGINS.at_once + [429] * 2


def test_trusted_proxy_passes_on_the_clients_address(alice, settings):
    settings.TRUSTED_PROXIES = 1
    attempts_until_refused(address="10.0.0.1", HTTP_X_FORWARDED_FOR=ELSEWHERE)

    assert log_in(address="10.0.0.1", HTTP_X_FORWARDED_FOR=HOME).status_code == 200


# Confirming the password, and pages


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/users/me/password", {"current": "wrong", "new": "a new long one"}),
        ("delete", "/users/me", {"password": "wrong"}),
        ("patch", "/users/me", {"email": "new@example.org", "password": "wrong"}),
    ],
)
def test_password_confirmations_of_a_session_are_limited(
    program, alice, bob, hashed, method, path, body
):
    client = program(alice)
    statuses = [
        getattr(client, method)(path, body).status_code for _ in range(limits.PASSWORD.at_once + 2)
    ]

    assert statuses == [400] * limits.PASSWORD.at_once + [429] * 2
    assert len(hashed) == limits.PASSWORD.at_once
    assert getattr(program(bob), method)(path, body).status_code == 400


def test_login_page_shows_the_limit_as_an_error(alice):
    browser = Client(headers={"Accept": "text/html"})
    form = {"login": "alice", "password": "hyacinth"}
    for _ in range(limits.FAILED_LOGINS.at_once):
        assert browser.post("/login", form).status_code == 422

    answer = browser.post("/login", form)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Too many requests. Try again in" in answer.content.decode()
    assert "hyacinth" not in answer.content.decode()


def test_page_and_api_share_the_limits(alice):
    attempts_until_refused(address="127.0.0.1")

    assert Client().post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429
