"""Unicode in email addresses and passwords."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.names import canonical, canonical_email, deliverable
from accounts.services import register
from chatflow.operations import email as mail
from tests.conftest import PROGRAM

COMPOSED = "p\u00e4ssword-gr\u00fcn-7"
DECOMPOSED = "pa\u0308ssword-gru\u0308n-7"
NEW, NEW_DECOMPOSED = "K\u00fche-und-Schafe", "Ku\u0308he-und-Schafe"


# Emails


@pytest.mark.parametrize(
    ("typed", "canonical_form", "delivered_to"),
    [
        ("Bob@Example.ORG", "bob@example.org", "bob@example.org"),
        ("bob@straße.de", "bob@straße.de", "bob@xn--strae-oqa.de"),
        ("bob@XN--STRAE-OQA.de", "bob@straße.de", "bob@xn--strae-oqa.de"),
        ("bob@FAẞ.de", "bob@faß.de", "bob@xn--fa-hia.de"),
        ("bob@ΣΑΣ.gr", "bob@σας.gr", "bob@xn--mxa8ab.gr"),
        ("bob@MU\u0308NCHEN.de", "bob@münchen.de", "bob@xn--mnchen-3ya.de"),
        ("bob@xn--a.example", "bob@xn--a.example", "bob@xn--a.example"),
        ("bob@xn--\u00e9.example", "bob@xn--\u00e9.example", None),
        ("bob", "bob", "bob"),
    ],
)
def test_spellings_of_one_address_are_equal_and_mail_goes_there(
    typed, canonical_form, delivered_to
):
    assert canonical_email(typed) == canonical_email(canonical_form) == canonical_form
    if delivered_to:
        assert deliverable(canonical_form) == delivered_to


def test_canonical_domains_satisfy_the_lower_case_constraint(db):
    letters = [chr(code) for code in range(0x110000) if chr(code).lower() != chr(code)]

    User.objects.bulk_create(
        User(username=f"p{number}", email=canonical_email(f"{number}@{letter}.org"))
        for number, letter in enumerate(letters)
    )

    assert User.objects.count() == len(letters) > 1000


@pytest.mark.parametrize("email", ["bob@straße.de", "bob@faß.de", "bob@σας.gr", "Bob@Straße.DE"])
def test_link_is_sent_to_the_address_as_typed(stranger, mailoutbox, email):
    wish = {"username": "bob", "email": email, "password": COMPOSED}
    me = stranger.post("/auth/register", wish).json()["user"]

    stranger.post("/auth/password-reset", {"email": email})
    mail.wait()

    assert me["email"] == email.lower()
    assert mailoutbox[0].to == [deliverable(email.lower())]
    assert stranger.post("/auth/login", {"login": email, "password": COMPOSED}).status_code == 200


def test_domains_that_case_fold_alike_are_different_addresses(stranger):
    for number, email in enumerate(["bob@straße.de", "bob@strasse.de"]):
        wish = {"username": f"bob_{number}", "email": email, "password": COMPOSED}
        assert stranger.post("/auth/register", wish).status_code == 201


def test_unicode_and_ascii_forms_of_a_domain_are_one_address(stranger):
    wish = {"username": "bob", "email": "bob@straße.de", "password": COMPOSED}
    stranger.post("/auth/register", wish)

    again = wish | {"username": "bob_2", "email": "bob@xn--strae-oqa.de"}
    answer = stranger.post("/auth/register", again)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


@pytest.mark.parametrize("mailbox", ["\u212aelvin", "\u017fam"])
def test_non_ascii_local_part_is_refused(stranger, program, alice, mailbox):
    email = f"{mailbox}@example.org"
    wish = {"username": "kelvin", "email": email, "password": COMPOSED}
    change = {"email": email, "password": "correct horse battery"}

    for answer in (
        stranger.post("/auth/register", wish),
        program(alice).patch("/users/me", change),
    ):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["email"])


def test_email_contains_no_text_from_the_request(stranger, mailoutbox):
    words = "Your account expires! Renew: http://evil.example/pay now"
    wish = {
        "username": "mallory_7",
        "email": "victim@example.org",
        "password": COMPOSED,
        "display_name": words,
    }
    assert stranger.post("/auth/register", wish).status_code == 201

    stranger.post("/auth/password-reset", {"email": "victim@example.org"})
    mail.wait()

    assert "Hello mallory_7," in mailoutbox[0].body
    assert "evil.example" not in str(mailoutbox[0].message())


# Passwords


@pytest.fixture
def erin(db) -> User:
    return register(
        username="erin", email="erin@example.org", password=DECOMPOSED, device=PROGRAM
    ).user


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_password_is_accepted_in_either_form(stranger, erin, typed):
    answer = stranger.post("/auth/login", {"login": "erin", "password": typed})
    page = Client().post("/login", {"login": "erin", "password": typed})

    assert (answer.status_code, page.status_code) == (200, 302)


def test_password_confirmation_accepts_either_form(program, browser, erin):
    client = program(erin)
    email = {"email": "moss@example.org", "password": COMPOSED}

    assert client.patch("/users/me", email).status_code == 200
    assert client.post("/users/me/export", {"password": COMPOSED}).status_code == 200
    change = {"current": COMPOSED, "new": NEW_DECOMPOSED}
    assert client.post("/users/me/password", change).status_code == 204
    erin.refresh_from_db()
    page = browser(erin).post("/settings/password", {"current": NEW, "new": COMPOSED})
    assert page.status_code == 302
    erin.refresh_from_db()
    assert program(erin).delete("/users/me", {"password": DECOMPOSED}).status_code == 204


def test_reset_password_is_accepted_in_either_form(stranger, mailoutbox, erin):
    stranger.post("/auth/password-reset", {"email": "erin@example.org"})
    mail.wait()
    query = mailoutbox[0].body.partition("?")[2].split()[0]
    link = dict(pair.split("=") for pair in query.split("&"))
    stranger.post("/auth/password-reset/confirm", link | {"password": NEW_DECOMPOSED})

    answer = stranger.post("/auth/login", {"login": "erin", "password": NEW})

    assert answer.status_code == 200


def test_password_length_is_checked_after_normalisation(stranger):
    wish = {"username": "erin", "email": "e@example.org", "password": "u\u0308" * 4}

    answer = stranger.post("/auth/register", wish)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])


def test_canonical_usernames_are_stable():
    assert canonical("Ａlice") == "alice"
