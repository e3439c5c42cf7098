"""Trying passwords: guessers are stopped before anything is hashed, and nobody else is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from rest_framework.test import APIClient

from accounts.services import open_login
from chatflow import limits
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
    """The passwords that were hashed since."""
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    Counting.hashed.clear()
    return Counting.hashed


def sign_in(login="alice", password=PASSWORD, address=ELSEWHERE, **headers):
    credentials = {"login": login, "password": password}
    return APIClient().post("/auth/login", credentials, REMOTE_ADDR=address, **headers)


def guess(login="alice", address=ELSEWHERE, **headers):
    return sign_in(login, "a wrong guess", address, **headers)


def exhaust(**how) -> int:
    """How many guesses it took."""
    return next(number for number in itertools.count() if guess(**how).status_code == 429)


def addresses():
    return (f"10.0.{number // 250}.{number % 250 + 1}" for number in itertools.count())


def guess_from_everywhere() -> None:
    """Until the account's budget is gone."""
    for address in addresses():
        for _ in range(limits.GUESSES.at_once):
            if guess(address=address).status_code == 429:
                return


# The guesser


def test_a_guesser_is_stopped_and_told_how_long(alice):
    assert exhaust() == limits.GUESSES.at_once

    answer = guess()

    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.json()["type"] == "urn:chatflow:too_many"
    assert "Try again in" in answer.json()["detail"]


def test_a_guesser_who_is_stopped_makes_us_hash_nothing(alice, hashed):
    exhaust()
    before = len(hashed)

    assert sign_in().status_code == 429
    assert len(hashed) == before


@pytest.mark.parametrize("name", ["ALICE", " alice ", "Ａlice"])
def test_another_spelling_is_the_same_account(alice, name):
    exhaust()

    assert guess(name).status_code == 429


def test_who_does_not_exist_looks_like_who_does(alice):
    assert exhaust(login="nobody") == exhaust(login="alice")
    assert guess("nobody").json() == guess("alice").json()


def test_a_wrong_password_at_another_address_of_the_same_household_counts(alice):
    for number in range(limits.GUESSES.at_once):
        assert guess(address=f"2001:db8::{number}").status_code == 401

    assert guess(address="2001:db8::ffff").status_code == 429


def test_right_passwords_cost_no_guesses(alice):
    for _ in range(3 * limits.GUESSES.at_once):
        assert sign_in().status_code == 200

    assert exhaust() == limits.GUESSES.at_once


def test_but_nobody_signs_in_without_end(alice):
    statuses = [sign_in().status_code for _ in range(limits.LOGIN.at_once + 1)]

    assert statuses == [200] * limits.LOGIN.at_once + [429]


def test_many_guesses_at_one_moment_are_no_way_around(transactional_db, person, together):
    person("alice")

    answers = together(*[lambda: guess().status_code] * 15)

    assert sorted(answers) == [401] * limits.GUESSES.at_once + [429] * 5


def test_whoever_tries_many_accounts_from_one_address_is_stopped(db, few):
    few(limits.GUESSES_ABROAD, 20)
    statuses = [guess(f"person_{number}").status_code for number in range(21)]

    assert statuses == [401] * 20 + [429]
    assert guess("person_99", address=HOME).status_code == 401


def test_whom_the_address_has_stopped_has_guessed_nothing(alice, few):
    few(limits.GUESSES_ABROAD, 1)
    guess("somebody")
    for _ in range(limits.GUESSES.at_once):
        assert guess().status_code == 429

    open_login(user=alice, device=replace(PROGRAM, ip=ELSEWHERE))  # asks the address no more

    assert exhaust() == limits.GUESSES.at_once


# A school: thirty people behind one address


def test_one_pupil_s_guesses_stop_nobody_else_at_the_school(crowd, person):
    pupils = [person(f"pupil_{number}") for number in range(30)]
    for _ in range(10 * limits.GUESSES.at_once):
        guess("pupil_0", address=SCHOOL)
    assert sign_in("pupil_0", address=SCHOOL).status_code == 429

    statuses = {sign_in(pupil.username, address=SCHOOL).status_code for pupil in pupils[1:]}

    assert statuses == {200}


def test_a_whole_class_signs_up_in_one_lesson(db):
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


def test_whoever_has_come_from_the_school_comes_in_whatever_is_tried_there(alice, person, few):
    few(limits.GUESSES_ABROAD, 20)
    person("newcomer")
    sign_in(address=SCHOOL)
    for number in range(30):
        guess(f"person_{number}", address=SCHOOL)

    assert sign_in("newcomer", address=SCHOOL).status_code == 429
    assert sign_in("alice", address=SCHOOL).status_code == 200


# Strangers who would lock somebody out


def test_a_stranger_elsewhere_locks_nobody_out(alice):
    exhaust(address=ELSEWHERE)

    assert sign_in(address=HOME).status_code == 200


def test_guesses_from_everywhere_are_bounded_for_all_of_them_together(alice, hashed):
    guess_from_everywhere()

    assert len(hashed) == limits.STRANGE_GUESSES.at_once
    assert guess(address=ELSEWHERE).status_code == 429


def test_and_lock_nobody_out_of_where_they_have_signed_in(alice):
    assert sign_in(address=HOME).status_code == 200
    guess_from_everywhere()

    assert sign_in(address=HOME).status_code == 200
    assert guess(address=HOME).status_code == 401


def test_nor_out_of_where_they_have_signed_out_since(alice):
    tokens = sign_in(address="2001:db8::1").json()
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    client.post("/auth/logout", {"refresh": tokens["refresh"]})
    guess_from_everywhere()

    assert sign_in(address="2001:db8::2").status_code == 200


def test_nor_out_of_a_browser_that_has_signed_in_be_it_at_the_stranger_s_address(alice):
    hers, another = Client(REMOTE_ADDR=SCHOOL), Client(REMOTE_ADDR=SCHOOL)
    form = {"login": "alice", "password": PASSWORD}
    assert hers.post("/login", form).status_code == 302
    hers.post("/logout")
    exhaust(address=SCHOOL)

    assert another.post("/login", form).status_code == 429
    assert hers.post("/login", form).status_code == 302


def test_a_browser_that_has_signed_in_may_guess_no_more_than_others(alice):
    hers = Client()
    hers.post("/login", {"login": "alice", "password": PASSWORD})
    hers.post("/logout")
    form = {"login": "alice", "password": "wrong"}

    statuses = [hers.post("/login", form).status_code for _ in range(12)]

    assert statuses == [422] * limits.GUESSES_AGAIN.at_once + [429] * 2


@pytest.mark.parametrize("mark", ["made.up", ".", "", "x" * 5000, "\xe9."])
def test_a_mark_that_is_made_up_is_none(alice, mark):
    exhaust(address="127.0.0.1")
    browser = Client()
    browser.cookies["mark"] = mark

    assert browser.post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429


def test_a_mark_is_one_person_s(alice, bob):
    bobs = Client()
    bobs.post("/login", {"login": "bob", "password": PASSWORD})
    bobs.post("/logout")
    exhaust(address="127.0.0.1")

    assert bobs.post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429
    assert "bob" not in bobs.cookies["mark"].value
    assert str(bob.id) not in bobs.cookies["mark"].value


# Forged addresses


@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED"])
def test_forged_headers_are_no_new_address(alice, settings, proxies, header):
    settings.TRUSTED_PROXIES = proxies

    def forged(number: int) -> dict[str, str]:
        said = {header: f"203.0.113.{number}"}
        if proxies:  # which adds whom it sees
            said["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}, {ELSEWHERE}"
        return said

    statuses = [guess(address="10.0.0.1", **forged(number)).status_code for number in range(12)]

    assert statuses == [401] * limits.GUESSES.at_once + [429] * 2


def test_behind_a_proxy_everybody_has_an_address_of_their_own(alice, settings):
    settings.TRUSTED_PROXIES = 1
    exhaust(address="10.0.0.1", HTTP_X_FORWARDED_FOR=ELSEWHERE)

    assert sign_in(address="10.0.0.1", HTTP_X_FORWARDED_FOR=HOME).status_code == 200


# One's own password, and pages


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/users/me/password", {"current": "wrong", "new": "a new long one"}),
        ("delete", "/users/me", {"password": "wrong"}),
        ("patch", "/users/me", {"email": "new@example.org", "password": "wrong"}),
    ],
)
def test_whoever_finds_an_open_session_cannot_guess_its_password(
    program, alice, bob, hashed, method, path, body
):
    client = program(alice)
    statuses = [
        getattr(client, method)(path, body).status_code for _ in range(limits.PASSWORD.at_once + 2)
    ]

    assert statuses == [400] * limits.PASSWORD.at_once + [429] * 2
    assert len(hashed) == limits.PASSWORD.at_once
    assert getattr(program(bob), method)(path, body).status_code == 400


def test_the_login_page_says_so_calmly(alice):
    browser = Client(headers={"Accept": "text/html"})
    form = {"login": "alice", "password": "wrong"}
    for _ in range(limits.GUESSES.at_once):
        assert browser.post("/login", form).status_code == 422

    answer = browser.post("/login", form)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Slow down a little" in answer.content.decode()
    assert "Too fast. Try again in" in answer.content.decode()
    assert "wrong" not in answer.content.decode()


def test_page_and_api_are_one_door(alice):
    exhaust(address="127.0.0.1")

    assert Client().post("/login", {"login": "alice", "password": PASSWORD}).status_code == 429
