"""Several tabs of one browser, when the user changes in one of them."""

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
    """A browser with CSRF checks, whose tabs share cookies."""
    return Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})


def open_form(tabs: Client, path: str) -> dict[str, str]:
    return {"csrfmiddlewaretoken": HIDDEN_TOKEN.search(tabs.get(path).content.decode())[1]}


def log_in(tabs: Client, username: str, form: dict[str, str] | None = None, path: str = "/login"):
    form = form or open_form(tabs, "/login")
    return tabs.post(path, form | {"login": username, "password": PASSWORD})


def log_out(tabs: Client) -> None:
    assert tabs.post("/logout", open_form(tabs, "/settings")).status_code == 302


# Forms that were opened before a login


@pytest.mark.parametrize("path", ["/login?next=/settings", "/login"])
def test_second_login_form_redirects_without_another_login(tabs, path):
    second_form = open_form(tabs, path)
    log_in(tabs, "alice")

    answer = tabs.post(path, second_form | {"login": "alice", "password": PASSWORD}, follow=True)

    arrived_at = answer.redirect_chain[-1][0]
    assert (answer.status_code, arrived_at) == (200, "/settings" if "next" in path else "/")
    assert Login.objects.filter(kind=Login.Kind.BROWSER).count() == 1


def test_second_registration_form_redirects(tabs):
    second_form = open_form(tabs, "/register")
    assert tabs.post("/register", open_form(tabs, "/register") | ERIN).status_code == 302

    answer = tabs.post("/register", second_form | ERIN | {"username": "erin_2"}, follow=True)

    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/")


def test_login_form_without_a_csrf_token_is_refused(tabs):
    answer = tabs.post("/login", {"login": "alice", "password": PASSWORD})

    assert answer.status_code == 403
    assert not Login.objects.exists()


def test_old_form_works_after_a_new_login_of_the_same_user(tabs, alice):
    log_in(tabs, "alice")
    old_form = open_form(tabs, "/settings")
    log_out(tabs)
    log_in(tabs, "alice")

    answer = tabs.post("/settings/profile", old_form | {"display_name": "A.", "about": ""})

    alice.refresh_from_db()
    assert (answer.status_code, alice.display_name) == (302, "A.")


def test_old_form_is_refused_after_a_login_of_another_user(tabs, bob):
    log_in(tabs, "alice")
    old_form = open_form(tabs, "/settings")
    log_out(tabs)
    log_in(tabs, "bob")

    answer = tabs.post("/settings/profile", old_form | {"display_name": "A.", "about": ""})

    bob.refresh_from_db()
    assert (answer.status_code, bob.display_name) == (403, "Bob")


# Pages of another user


def test_page_sends_its_user_with_every_request(browser, alice):
    page = browser(alice).get("/").content.decode()

    assert f'data-user="{alice.id}"' in page
    assert f'{{"X-ChatFlow-User": "{alice.id}"}}' in page
    question = browser(alice).get("/logout").content.decode()
    assert f'action="/logout?page_user={alice.id}"' in question


def test_page_of_another_user_changes_nothing(browser, alice, bob, direct, say):
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


def test_new_user_is_redirected_to_the_current_page(browser, alice, bob, direct):
    headers = {
        "X-ChatFlow-User": str(alice.id),
        "HX-Request": "true",
        "HX-Current-URL": f"http://testserver/chats/{direct.id}",
    }

    answer = browser(bob).get("/settings", headers=headers)

    assert answer["HX-Redirect"] == f"/login?next=%2Fchats%2F{direct.id}"


def test_api_request_for_another_user_is_a_problem(browser, alice, bob):
    answer = browser(bob).get("/users/me", headers={"X-ChatFlow-User": str(alice.id)})

    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")


def test_logging_out_on_a_page_of_another_user_has_no_effect(browser, alice, bob):
    his = browser(bob)

    answer = his.post(f"/logout?page_user={alice.id}")

    assert (answer.status_code, answer["Location"]) == (302, "/login")
    assert his.get("/settings").status_code == 200
    assert his.post(f"/logout?page_user={bob.id}").status_code == 302
    assert his.get("/settings").status_code == 302


def test_logged_out_user_is_redirected_to_the_login_page(alice):
    headers = {"X-ChatFlow-User": str(alice.id), "HX-Request": "true"}

    answer = Client().get("/settings", headers=headers)

    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/settings")
