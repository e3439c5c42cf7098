"""Several tabs of one browser: logins in one of them, and what the others do then."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Login
from messaging.models import Message
from tests.conftest import PASSWORD

HIDDEN_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
ERIN = {"username": "erin", "email": "erin@example.org", "password": PASSWORD}


@pytest.fixture
def tabs(alice, bob) -> Client:
    """One browser, where CSRF is checked."""
    return Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})


def open_form(tabs: Client, path: str) -> dict[str, str]:
    return {"csrfmiddlewaretoken": HIDDEN_TOKEN.search(tabs.get(path).content.decode())[1]}


def log_in(tabs: Client, username: str, form: dict[str, str] | None = None, path: str = "/login"):
    form = form or open_form(tabs, "/login")
    return tabs.post(path, form | {"login": username, "password": PASSWORD})


def log_out(tabs: Client) -> None:
    assert tabs.post("/logout", open_form(tabs, "/settings")).status_code == 302


# A form from before


@pytest.mark.parametrize("path", ["/login?next=/settings", "/login"])
def test_the_second_of_two_login_forms_leads_on(tabs, path):
    second = open_form(tabs, path)
    log_in(tabs, "alice")

    answer = tabs.post(path, second | {"login": "alice", "password": PASSWORD}, follow=True)

    arrived_at = answer.redirect_chain[-1][0]
    assert (answer.status_code, arrived_at) == (200, "/settings" if "next" in path else "/")
    assert Login.objects.filter(kind=Login.Kind.BROWSER).count() == 1


def test_the_second_of_two_registration_forms_leads_on(tabs):
    second = open_form(tabs, "/register")
    assert tabs.post("/register", open_form(tabs, "/register") | ERIN).status_code == 302

    answer = tabs.post("/register", second | ERIN | {"username": "erin_2"}, follow=True)

    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/")


def test_a_login_form_from_another_site_logs_nobody_in(tabs):
    answer = tabs.post("/login", {"login": "alice", "password": PASSWORD})

    assert answer.status_code == 403
    assert not Login.objects.exists()


def test_a_settings_form_outlives_a_new_login_of_the_same_person(tabs, alice):
    log_in(tabs, "alice")
    kept_open = open_form(tabs, "/settings")
    log_out(tabs)
    log_in(tabs, "alice")

    answer = tabs.post("/settings/profile", kept_open | {"display_name": "A.", "about": ""})

    alice.refresh_from_db()
    assert (answer.status_code, alice.display_name) == (302, "A.")


def test_but_no_login_of_somebody_else(tabs, bob):
    log_in(tabs, "alice")
    kept_open = open_form(tabs, "/settings")
    log_out(tabs)
    log_in(tabs, "bob")

    answer = tabs.post("/settings/profile", kept_open | {"display_name": "A.", "about": ""})

    bob.refresh_from_db()
    assert (answer.status_code, bob.display_name) == (403, "Bob")


# A page that was made for somebody else


def test_a_page_names_its_user_in_all_that_it_asks(browser, alice):
    page = browser(alice).get("/").content.decode()

    assert f'data-user="{alice.id}"' in page
    assert f'{{"X-ChatFlow-User": "{alice.id}"}}' in page
    question = browser(alice).get("/logout").content.decode()
    assert f'action="/logout?page_user={alice.id}"' in question


def test_a_page_of_alice_does_nothing_as_bob(browser, alice, bob, direct, say):
    message = say(bob, direct, "hello")
    his = browser(bob)
    hers = {"X-ChatFlow-User": str(alice.id), "HX-Request": "true", "Accept": "text/html"}

    for path, body in [
        (f"/chats/{direct.id}/messages", {"body": "from Alice"}),
        (f"/chats/{direct.id}/draft", {"text": "from Alice"}),
        (f"/chats/{direct.id}/messages/{message.id}/edit", {"body": "from Alice"}),
        (f"/chats/{direct.id}/messages/{message.id}/reactions", {"emoji": "👍"}),
        ("/settings/profile", {"display_name": "Alice", "about": ""}),
    ]:
        answer = his.post(path, body, headers=hers)
        assert (answer.status_code, answer["HX-Redirect"]) == (409, "/login?next=%2F")

    bob.refresh_from_db()
    assert (bob.display_name, Message.objects.count()) == ("Bob", 1)
    assert his.get(f"/chats/{direct.id}/messages", headers=hers).status_code == 409


def test_the_new_user_is_led_back_to_the_page(browser, alice, bob, direct):
    headers = {
        "X-ChatFlow-User": str(alice.id),
        "HX-Request": "true",
        "HX-Current-URL": f"http://testserver/chats/{direct.id}",
    }

    answer = browser(bob).get("/settings", headers=headers)

    assert answer["HX-Redirect"] == f"/login?next=%2Fchats%2F{direct.id}"


def test_a_program_is_told_by_a_problem(browser, alice, bob):
    answer = browser(bob).get("/users/me", headers={"X-ChatFlow-User": str(alice.id)})

    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")


def test_logging_out_on_a_page_of_alice_does_not_log_bob_out(browser, alice, bob):
    his = browser(bob)

    answer = his.post(f"/logout?page_user={alice.id}")

    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert his.get("/settings").status_code == 200
    assert his.post(f"/logout?page_user={bob.id}").status_code == 302
    assert his.get("/settings").status_code == 302


def test_who_is_logged_out_is_asked_to_log_in_as_ever(alice):
    headers = {"X-ChatFlow-User": str(alice.id), "HX-Request": "true"}

    answer = Client().get("/settings", headers=headers)

    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/settings")
