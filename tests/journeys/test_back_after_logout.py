"""After signing out, the back button and the history show nothing of what was there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

SECRET = "The key is under the mat"
# As browsers do that keep a document whole although they were asked not to.
COME_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"


@pytest.fixture
def chat(alice, bob) -> str:
    chat = alice.start_chat(bob)
    alice.say(chat, SECRET)
    return chat


@pytest.fixture
def his(window, bob, chat):
    """bob has come to the chat by the list, and went on to his settings."""
    view = window(bob)
    view.row("Alice").get_by_role("link").click()
    expect(view.message(SECRET)).to_be_visible()
    view.page.get_by_role("link", name="Settings").first.click()
    view.expect_path("/settings")
    return view


def sees_nothing(view) -> None:
    view.expect_path(r"/login(\?.*)?")
    expect(view.page.get_by_role("button", name="Log in")).to_be_visible()
    assert SECRET not in view.page.content()
    assert "Alice" not in view.page.content()


def go_back_all_the_way(view) -> None:
    for _ in range(3):
        view.page.go_back()
        sees_nothing(view)


def test_whoever_has_logged_out(his):
    his.log_out()
    his.expect_path("/login")

    go_back_all_the_way(his)


def test_nothing_stays_in_the_browser_s_storage(his):
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


def test_the_answer_to_logging_out_is_waited_for(his):
    """It clears what the page cannot, and the socket tells of the same a moment earlier."""
    broken_off = []
    his.page.on("requestfailed", lambda request: broken_off.append(request.url))

    def answer_late(route):
        answer = route.fetch(max_redirects=0)
        his.page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    his.page.route(re.compile(r"/logout\?"), answer_late)

    his.log_out()

    his.expect_path("/login")
    assert broken_off == []


def test_whoever_was_signed_out_from_another_device(window, his, bob):
    other = window(bob, device=1, path="/settings")
    other.press("End session")
    sees_nothing(his)

    go_back_all_the_way(his)


def test_whoever_was_signed_out_while_the_page_did_not_hear_it(window, his, bob):
    his.page.context.clear_cookies(name="sessionid")

    his.page.go_back()  # within the document, by htmx

    sees_nothing(his)


def test_a_document_that_the_browser_has_kept_is_asked_for_anew(his):
    his.page.go_back()
    expect(his.message(SECRET)).to_be_visible()
    his.page.context.clear_cookies(name="sessionid")

    his.page.evaluate(COME_BACK)

    sees_nothing(his)


def test_the_next_person_at_this_browser_sees_nothing_of_the_one_before(his, carol):
    his.log_out()
    his.fill(Username_or_email=carol.username, Password=PASSWORD)
    his.press("Log in")
    expect(his.page.get_by_text("No chats yet")).to_be_visible()

    his.page.go_back()

    expect(his.page.get_by_role("link", name="Log out")).to_be_visible()
    assert SECRET not in his.page.content()


def test_the_documents_and_the_browsable_api_work_under_our_policy(window, alice):
    view = window(alice, path="/docs")
    expect(view.page.get_by_text("Send a message")).to_be_visible()

    view.go("/users/me")

    expect(view.page.get_by_role("button", name="DELETE")).to_be_visible()
