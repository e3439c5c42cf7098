"""Resetting a forgotten password by an emailed link that works once."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client

from accounts.auth import password_reset
from accounts.services import (
    change_password,
    delete_account,
    restore,
    suspend,
    update_profile,
)
from chatflow.limits import policy as limits
from chatflow.live.events import Close
from chatflow.operations import email as mail
from tests.conftest import PASSWORD

NEW = "staple battery horse"
LINK = re.compile(r"http://localhost:8000/password-reset/new\?\S+")


class FrozenBackend(BaseEmailBackend):
    """A mail server that hangs until it is thawed, and then refuses the email and quotes it."""

    thawed = threading.Event()

    def send_messages(self, email_messages):
        assert self.thawed.wait(timeout=30)
        raise ConnectionRefusedError(email_messages[0].body)


@pytest.fixture
def emails(mailoutbox):
    """emails() returns the emails that were sent so far."""

    def read():
        mail.wait()
        return mailoutbox

    return read


@pytest.fixture
def link_of(stranger, emails):
    """link_of(alice) requests a reset for alice and returns the link in the email."""

    def ask(user):
        stranger.post("/auth/password-reset", {"email": user.email})
        return LINK.search(emails()[-1].body)[0]

    return ask


@pytest.fixture
def use(stranger):
    """use(link) sets the new password over the API."""

    def choose(link, password=NEW, **other):
        wanted = said_by(link) | {"password": password} | other
        return stranger.post("/auth/password-reset/confirm", wanted)

    return choose


@pytest.fixture
def can_log_in(stranger):
    def ask(password, login="alice"):
        answer = stranger.post("/auth/login", {"login": login, "password": password})
        return answer.status_code == 200

    return ask


def said_by(link):
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


# --- requesting a link ---------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["alice@example.org", " ALICE@Example.ORG "])
def test_link_is_sent_by_email(stranger, emails, alice, typed):
    answer = stranger.post("/auth/password-reset", {"email": typed})

    [email] = emails()
    assert (answer.status_code, answer.content) == (204, b"")
    assert email.to == ["alice@example.org"]
    assert "@alice" in email.body
    assert LINK.search(email.body)


def test_email_uses_the_language_of_the_request(stranger, emails, alice):
    asked = {"email": alice.email}
    stranger.post("/auth/password-reset", asked, headers={"Accept-Language": "de"})

    assert "Hallo alice" in emails()[0].body
    assert emails()[0].subject == "Setze dein ChatFlow-Passwort zurück"


def test_forged_host_header_is_not_in_the_link(link_of, stranger, emails, alice):
    stranger.post("/auth/password-reset", {"email": alice.email}, HTTP_HOST="localhost:666")

    assert ":666" not in emails()[0].body


@pytest.mark.parametrize("fate", ["suspended", "deleted", "never there"])
def test_unknown_email_gets_the_same_answer_and_no_email(stranger, emails, alice, fate):
    if fate == "suspended":
        suspend(user=alice)
    elif fate == "deleted":
        delete_account(user=alice, password=PASSWORD)
    email = "alice@example.org" if fate != "never there" else "erin@example.org"

    answer = stranger.post("/auth/password-reset", {"email": email})

    assert (answer.status_code, answer.content) == (204, b"")
    assert emails() == []


def test_request_takes_the_same_queries_without_an_account(stranger, emails, alice, costs):
    for email in (alice.email, "erin@example.org"):
        with costs(1):
            stranger.post("/auth/password-reset", {"email": email})


def test_mail_server_does_not_delay_answers_and_its_errors_are_logged_without_the_token(
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
    assert f"email to {alice.id} not sent: ConnectionRefusedError" in caplog.text
    assert f"email to {bob.id} not sent: ConnectionRefusedError" in caplog.text
    assert "token" not in caplog.text


def test_emails_beyond_the_queue_limit_are_dropped_and_logged(stranger, alice, settings, caplog):
    settings.EMAIL_BACKEND = f"{__name__}.FrozenBackend"
    FrozenBackend.thawed.clear()

    for _ in range(mail.MAX_WAITING + 2):  # the sending thread may already have taken one
        assert stranger.post("/auth/password-reset", {"email": alice.email}).status_code == 204
    FrozenBackend.thawed.set()
    mail.wait()

    assert f"{mail.MAX_WAITING} others are waiting" in caplog.text


@pytest.mark.parametrize("email", ["", "alice", "a" * 300 + "@example.org", 5, None])
def test_malformed_email_is_refused(stranger, emails, email):
    answer = stranger.post("/auth/password-reset", {"email": email})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


def test_requests_per_email_are_limited_for_unknown_emails_too(stranger, few, emails, alice):
    few(limits.RESETS_OF, 2)

    def ask(email):
        return stranger.post("/auth/password-reset", {"email": email}).status_code

    for email in ("alice@example.org", "nobody@example.org"):
        assert [ask(email), ask(email.upper()), ask(email)] == [204, 204, 429]
    assert len(emails()) == 2


def test_requests_per_address_are_limited(stranger, few, emails, alice):
    few(limits.REGISTRATION, 2)
    emails = [f"{number}@example.org" for number in range(3)]

    statuses = [Client().post("/password-reset", {"email": email}).status_code for email in emails]

    assert statuses == [302, 302, 429]


# --- using the link ------------------------------------------------------------------------------


def test_only_the_new_password_works(link_of, use, can_log_in, alice):
    answer = use(link_of(alice))

    assert (answer.status_code, answer.content) == (204, b"")
    assert can_log_in(NEW)
    assert not can_log_in(PASSWORD)


def test_reset_ends_every_login_and_socket(link_of, use, program, browser, alice, bob, announced):
    here, page, elsewhere = program(alice), browser(alice), program(bob)
    link = link_of(alice)

    with announced() as events:
        use(link)

    assert [each.get("/users/me").status_code for each in (here, page, elsewhere)] == [
        401,
        401,
        200,
    ]
    assert [event.control for event in events] == [Close(4401)]


def test_link_works_once(link_of, use, can_log_in, alice):
    link = link_of(alice)
    use(link)

    again = use(link, "another good password")

    assert (again.status_code, again.json()["type"]) == (400, "urn:chatflow:bad_reset_link")
    assert can_log_in(NEW)


@pytest.mark.django_db(transaction=True)
def test_one_of_two_concurrent_uses_succeeds(link_of, can_log_in, alice, together):
    said = said_by(link_of(alice))
    words = ["first good password", "second good password"]

    answers = together(
        *(
            lambda word=word: password_reset.reset_password(
                **said, password=word, address="192.0.2.1"
            )
            for word in words
        )
    )

    won = [word for word, answer in zip(words, answers, strict=True) if answer is None]
    assert len(won) == 1
    assert can_log_in(won[0])


def test_link_expires_after_an_hour(link_of, use, alice, settings, monkeypatch):
    link = link_of(alice)
    tokens = password_reset.default_token_generator
    later = tokens._now() + timedelta(minutes=61)

    monkeypatch.setattr(tokens, "_now", lambda: later)

    assert use(link).status_code == 400


def test_link_expires_when_the_password_or_email_changes(link_of, use, alice):
    link = link_of(alice)
    change_password(user=alice, current=PASSWORD, new=NEW, login=None)
    assert use(link).status_code == 400

    alice.refresh_from_db()
    link = link_of(alice)
    update_profile(user=alice, email="alice@example.net", password=NEW)
    assert use(link).status_code == 400


def test_login_does_not_expire_the_link(link_of, use, can_log_in, alice):
    link = link_of(alice)
    assert can_log_in(PASSWORD)

    assert use(link).status_code == 204


def test_link_does_not_work_for_a_suspended_user(link_of, use, alice):
    link = link_of(alice)
    suspend(user=alice)
    assert use(link).status_code == 400

    restore(user=alice)
    assert use(link).status_code == 204


def test_link_does_not_work_for_another_user(link_of, use, can_log_in, alice, mallory):
    assert use(link_of(mallory), uid=str(alice.id)).status_code == 400
    assert can_log_in(PASSWORD)


@pytest.mark.parametrize("wrong", [{"uid": "7"}, {"token": "x"}, {"token": "é-\0"}])
def test_malformed_link_is_refused(link_of, use, can_log_in, alice, wrong):
    assert use(link_of(alice), **wrong).status_code == 400
    assert can_log_in(PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1", "alice@example.org", "", "p" * 1001])
def test_weak_password_is_refused_and_the_link_stays_valid(link_of, use, alice, password):
    link = link_of(alice)

    answer = use(link, password)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert use(link).status_code == 204


# --- the pages -----------------------------------------------------------------------------------


def test_login_page_links_to_the_reset_page(db):
    page = Client().get("/login").content.decode()

    assert '<a href="/password-reset">Forgot your password?</a>' in page


@pytest.mark.parametrize("email", ["alice@example.org", "erin@example.org"])
def test_page_shows_the_same_message_for_every_email(alice, email, emails):
    answer = Client().post("/password-reset", {"email": email}, follow=True)

    assert answer.redirect_chain == [("/login", 302)]
    assert "If an account with this email exists" in answer.content.decode()


def test_password_can_be_reset_in_the_browser(link_of, can_log_in, alice, caplog):
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
    assert can_log_in(NEW)
    assert token not in address.path
    assert token not in caplog.text


def test_page_shows_errors_of_the_new_password(link_of, alice):
    browser = Client()
    browser.get(link_of(alice))

    answer = browser.post("/password-reset/new", {"password": "short"})

    assert answer.status_code == 422
    assert "at least 8 characters" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?uid=7&token=x", "?uid=7", f"?uid=7&token={'x' * 5000}"])
def test_invalid_link_redirects_to_the_request_page(db, query):
    answer = Client().get(f"/password-reset/new{query}", follow=True)

    assert answer.redirect_chain[-1] == ("/password-reset", 302)
    assert "This link has expired" in answer.content.decode()


def test_used_link_shows_a_message(link_of, use, alice):
    link, browser = link_of(alice), Client()
    browser.get(link)
    use(link)

    answer = browser.post("/password-reset/new", {"password": "another good one"}, follow=True)

    assert "This link has expired" in answer.content.decode()
