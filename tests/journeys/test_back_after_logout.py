"""After logging out, the back button and the browser's storage reveal nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

SECRET = "The key is under the mat"
# Imitates a browser that restores the page from its back/forward cache despite `no-store`.
RESTORE_FROM_CACHE = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


@pytest.fixture
def chat(alice, bob) -> str:
    chat = alice.start_chat(bob)
    alice.say(chat, SECRET)
    return chat


@pytest.fixture
def his(window, bob, chat):
    """bob's window on the settings page, after he opened the chat from the list."""
    view = window(bob)
    view.row("Alice").get_by_role("link").click()
    expect(view.message(SECRET)).to_be_visible()
    view.page.get_by_role("link", name="Settings").first.click()
    view.expect_path("/settings")
    return view


def expect_login_page_without_private_data(view) -> None:
    view.expect_path(r"/login(\?.*)?")
    expect(view.page.get_by_role("button", name="Log in")).to_be_visible()
    assert SECRET not in view.page.content()
    assert "Alice" not in view.page.content()


def go_back_to_the_beginning(view) -> None:
    for _ in range(3):
        view.page.go_back()
        expect_login_page_without_private_data(view)


def test_going_back_after_logging_out_shows_the_login_page(his):
    his.log_out()
    his.expect_path("/login")

    go_back_to_the_beginning(his)


def test_logging_out_clears_the_browser_s_storage(his):
    his.page.go_back()
    his.press("Emoji")
    his.page.get_by_role("combobox", name="Search").fill("rocket")
    his.page.get_by_role("option", name="rocket").click()
    his.page.evaluate("localStorage.emoji = sessionStorage.emoji = 'favourite'")
    assert his.page.evaluate("indexedDB.databases()") != []

    his.log_out()

    his.expect_path("/login")
    assert his.page.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    assert his.page.evaluate("indexedDB.databases()") == []


def test_page_waits_for_the_response_to_logging_out(his):
    """The response clears data that the page cannot, but the socket closes before it arrives."""
    failed = []
    his.page.on("requestfailed", lambda request: failed.append(request.url))

    def answer_late(route):
        answer = route.fetch(max_redirects=0)
        his.page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    his.page.route(re.compile(r"/logout\?"), answer_late)

    his.log_out()

    his.expect_path("/login")
    assert failed == []


def test_going_back_after_a_logout_from_another_device_shows_the_login_page(window, his, bob):
    other = window(bob, device=1, path="/settings")
    other.press("End session")
    expect_login_page_without_private_data(his)

    go_back_to_the_beginning(his)


def test_going_back_after_an_unnoticed_logout_shows_the_login_page(window, his, bob):
    his.page.context.clear_cookies(name="sessionid")

    his.page.go_back()  # htmx handles this without loading a document

    expect_login_page_without_private_data(his)


def test_page_restored_from_the_browser_s_cache_is_reloaded(his):
    his.page.go_back()
    expect(his.message(SECRET)).to_be_visible()
    his.page.context.clear_cookies(name="sessionid")

    his.page.evaluate(RESTORE_FROM_CACHE)

    expect_login_page_without_private_data(his)


def test_next_user_of_the_browser_sees_nothing_of_the_previous_one(his, carol):
    his.log_out()
    his.fill(Username_or_email=carol.username, Password=PASSWORD)
    his.press("Log in")
    expect(his.page.get_by_text("No chats yet")).to_be_visible()

    his.page.go_back()

    expect(his.page.get_by_role("link", name="Log out")).to_be_visible()
    assert SECRET not in his.page.content()


def test_api_documentation_and_browsable_api_work_under_the_csp(window, alice):
    view = window(alice, path="/docs")
    expect(view.page.get_by_text("Send a message")).to_be_visible()

    view.go("/users/me")

    expect(view.page.get_by_role("button", name="DELETE")).to_be_visible()
