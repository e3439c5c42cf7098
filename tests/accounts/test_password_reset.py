"""A forgotten password: a link to the mailbox, good once, and nothing for whoever only asks."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client

from accounts import recovery
from accounts.services import change_email, change_password, delete_account, restore, suspend
from chatflow import limits, mail
from tests.conftest import PASSWORD

NEW = "staple battery horse"
LINK = re.compile(r"http://localhost:8000/password-reset/new\?\S+")


class FrozenBackend(BaseEmailBackend):
    """A mail server that says nothing until it is thawed, and then refuses, quoting the letter."""

    thawed = threading.Event()

    def send_messages(self, email_messages):
        assert self.thawed.wait(timeout=30)
        raise ConnectionRefusedError(email_messages[0].body)


@pytest.fixture
def letters(mailoutbox):
    """letters() are those that were sent so far."""

    def read():
        mail.wait()
        return mailoutbox

    return read


@pytest.fixture
def link_of(stranger, letters):
    """link_of(alice) is the one that she is mailed when somebody asks."""

    def ask(user):
        stranger.post("/auth/password-reset", {"email": user.email})
        return LINK.search(letters()[-1].body)[0]

    return ask


@pytest.fixture
def use(stranger):
    """use(link) chooses the new password by the API."""

    def choose(link, password=NEW, **other):
        wanted = said_by(link) | {"password": password} | other
        return stranger.post("/auth/password-reset/confirm", wanted)

    return choose


@pytest.fixture
def signs_in(stranger):
    def ask(password, login="alice"):
        answer = stranger.post("/auth/login", {"login": login, "password": password})
        return answer.status_code == 200

    return ask


def said_by(link):
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["alice@example.org", " ALICE@Example.ORG "])
def test_alice_is_mailed_a_link(stranger, letters, alice, typed):
    answer = stranger.post("/auth/password-reset", {"email": typed})

    [letter] = letters()
    assert (answer.status_code, answer.content) == (204, b"")
    assert letter.to == ["alice@example.org"]
    assert "@alice" in letter.body
    assert LINK.search(letter.body)


def test_the_letter_speaks_the_language_of_whoever_asked(stranger, letters, alice):
    asked = {"email": alice.email}
    stranger.post("/auth/password-reset", asked, headers={"Accept-Language": "de"})

    assert "Hallo Alice" in letters()[0].body
    assert letters()[0].subject == "Ein neues Passwort für ChatFlow wählen"


def test_a_forged_host_is_not_in_the_link(link_of, stranger, letters, alice):
    stranger.post("/auth/password-reset", {"email": alice.email}, HTTP_HOST="localhost:666")

    assert ":666" not in letters()[0].body


@pytest.mark.parametrize("fate", ["suspended", "deleted", "never there"])
def test_whoever_is_not_here_gets_the_same_answer_and_no_letter(stranger, letters, alice, fate):
    if fate == "suspended":
        suspend(user=alice)
    elif fate == "deleted":
        delete_account(user=alice, password=PASSWORD)
    email = "alice@example.org" if fate != "never there" else "erin@example.org"

    answer = stranger.post("/auth/password-reset", {"email": email})

    assert (answer.status_code, answer.content) == (204, b"")
    assert letters() == []


def test_asking_costs_the_same_whether_there_is_an_account(stranger, letters, alice, costs):
    for email in (alice.email, "erin@example.org"):
        with costs(1):
            stranger.post("/auth/password-reset", {"email": email})


def test_nobody_waits_for_the_mail_server_and_its_refusal_is_logged_without_the_token(
    stranger, alice, bob, settings, caplog
):
    settings.EMAIL_BACKEND = f"{__name__}.FrozenBackend"
    FrozenBackend.thawed.clear()

    answers = [
        stranger.post("/auth/password-reset", {"email": each.email}) for each in (alice, bob)
    ]
    FrozenBackend.thawed.set()
    mail.wait()

    assert [answer.status_code for answer in answers] == [204, 204]
    assert f"no letter to {alice.id}: ConnectionRefusedError" in caplog.text
    assert f"no letter to {bob.id}: ConnectionRefusedError" in caplog.text
    assert "token" not in caplog.text


def test_more_letters_than_the_queue_takes_are_dropped_and_logged(
    stranger, alice, settings, caplog
):
    settings.EMAIL_BACKEND = f"{__name__}.FrozenBackend"
    FrozenBackend.thawed.clear()

    for _ in range(mail.MOST_WAITING + 2):  # the postman may have one in hand
        assert stranger.post("/auth/password-reset", {"email": alice.email}).status_code == 204
    FrozenBackend.thawed.set()
    mail.wait()

    assert f"{mail.MOST_WAITING} others are waiting" in caplog.text


@pytest.mark.parametrize("email", ["", "alice", "a" * 300 + "@example.org", 5, None])
def test_what_is_no_email(stranger, letters, email):
    answer = stranger.post("/auth/password-reset", {"email": email})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


def test_nobody_s_mailbox_is_filled_and_nobody_learns_whose_it_is(stranger, few, letters, alice):
    few(limits.RESETS_OF, 2)

    def ask(email):
        return stranger.post("/auth/password-reset", {"email": email}).status_code

    for email in ("alice@example.org", "nobody@example.org"):
        assert [ask(email), ask(email.upper()), ask(email)] == [204, 204, 429]
    assert len(letters()) == 2


def test_one_address_asks_for_so_many_links_and_no_more(stranger, few, letters, alice):
    few(limits.RESETS_FROM, 2)
    emails = [f"{number}@example.org" for number in range(3)]

    statuses = [Client().post("/password-reset", {"email": email}).status_code for email in emails]

    assert statuses == [302, 302, 429]


# --- choosing ------------------------------------------------------------------------------------


def test_the_new_password_signs_in_and_the_old_one_does_not(link_of, use, signs_in, alice):
    answer = use(link_of(alice))

    assert (answer.status_code, answer.content) == (204, b"")
    assert signs_in(NEW)
    assert not signs_in(PASSWORD)


def test_every_login_and_socket_ends(link_of, use, program, browser, alice, bob, announced):
    here, page, elsewhere = program(alice), browser(alice), program(bob)
    link = link_of(alice)

    with announced() as events:
        use(link)

    assert [each.get("/users/me").status_code for each in (here, page, elsewhere)] == [
        401,
        401,
        200,
    ]
    assert [(event.ends, event.spares) for event in events] == [(4401, "")]


def test_a_link_works_once(link_of, use, signs_in, alice):
    link = link_of(alice)
    use(link)

    again = use(link, "another good password")

    assert (again.status_code, again.json()["type"]) == (400, "urn:chatflow:bad_reset_link")
    assert signs_in(NEW)


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_at_once_one_wins(link_of, signs_in, alice, together):
    said = said_by(link_of(alice))
    words = ["first good password", "second good password"]

    answers = together(
        *(lambda word=word: recovery.reset_password(**said, password=word) for word in words)
    )

    won = [word for word, answer in zip(words, answers, strict=True) if answer is None]
    assert len(won) == 1
    assert signs_in(won[0])


def test_a_link_dies_after_an_hour(link_of, use, alice, settings, monkeypatch):
    link = link_of(alice)
    tokens = recovery.default_token_generator
    later = tokens._now() + timedelta(minutes=61)

    monkeypatch.setattr(tokens, "_now", lambda: later)

    assert use(link).status_code == 400


def test_a_link_dies_with_a_new_password_or_email(link_of, use, alice):
    link = link_of(alice)
    change_password(user=alice, current=PASSWORD, new=NEW, login=None)
    assert use(link).status_code == 400

    link = link_of(alice)
    change_email(user=alice, email="alice@example.net", password=NEW)
    assert use(link).status_code == 400


def test_a_thief_who_signs_in_does_not_keep_alice_out(link_of, use, signs_in, alice):
    link = link_of(alice)
    assert signs_in(PASSWORD)

    assert use(link).status_code == 204


def test_a_link_is_of_no_use_while_suspended(link_of, use, alice):
    link = link_of(alice)
    suspend(user=alice)
    assert use(link).status_code == 400

    restore(user=alice)
    assert use(link).status_code == 204


def test_the_link_of_mallory_does_not_open_alice(link_of, use, signs_in, alice, mallory):
    assert use(link_of(mallory), uid=str(alice.id)).status_code == 400
    assert signs_in(PASSWORD)


@pytest.mark.parametrize("wrong", [{"uid": "7"}, {"token": "x"}, {"token": "é-\0"}])
def test_what_is_no_link(link_of, use, signs_in, alice, wrong):
    assert use(link_of(alice), **wrong).status_code == 400
    assert signs_in(PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1", "alice@example.org", "", "p" * 1001])
def test_a_bad_password_changes_nothing_and_the_link_stays_good(link_of, use, alice, password):
    link = link_of(alice)

    answer = use(link, password)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert use(link).status_code == 204


# --- the pages -----------------------------------------------------------------------------------


def test_the_login_page_leads_there(db):
    page = Client().get("/login").content.decode()

    assert '<a href="/password-reset">Forgot your password?</a>' in page


@pytest.mark.parametrize("email", ["alice@example.org", "erin@example.org"])
def test_the_page_says_the_same_to_everybody(alice, email, letters):
    answer = Client().post("/password-reset", {"email": email}, follow=True)

    assert answer.redirect_chain == [("/login", 302)]
    assert "If there is an account with this email" in answer.content.decode()


def test_alice_chooses_a_new_password_in_her_browser(link_of, signs_in, alice, caplog):
    link, browser = link_of(alice), Client()
    address = urlsplit(link)

    arrived = browser.get(f"{address.path}?{address.query}")
    page = browser.get(arrived["Location"])
    done = browser.post(arrived["Location"], {"password": NEW}, follow=True)

    token = said_by(link)["token"]
    assert (arrived.status_code, arrived["Location"]) == (302, "/password-reset/new")
    assert "New password" in page.content.decode()
    assert token not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert done.redirect_chain == [("/login", 302)]
    assert "Log in with your new password" in done.content.decode()
    assert signs_in(NEW)
    assert token not in address.path
    assert token not in caplog.text


def test_a_bad_password_is_told_on_the_page(link_of, alice):
    browser = Client()
    browser.get(link_of(alice))

    answer = browser.post("/password-reset/new", {"password": "short"})

    assert answer.status_code == 422
    assert "at least 8 characters" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?uid=7&token=x", "?uid=7", f"?uid=7&token={'x' * 5000}"])
def test_whoever_has_no_good_link_is_led_to_ask_for_one(db, query):
    answer = Client().get(f"/password-reset/new{query}", follow=True)

    assert answer.redirect_chain[-1] == ("/password-reset", 302)
    assert "This link is not good any more" in answer.content.decode()


def test_a_link_that_was_used_says_so(link_of, use, alice):
    link, browser = link_of(alice), Client()
    browser.get(link)
    use(link)

    answer = browser.post("/password-reset/new", {"password": "another good one"}, follow=True)

    assert "This link is not good any more" in answer.content.decode()
