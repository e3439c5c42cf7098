"""A tab that was frozen while the browser logged in as somebody else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD
from tests.journeys.windows import Window

pytestmark = pytest.mark.journey

LONGEST_RETRY_MS = 20_000
WAITING, NEW = "Sent before the change", "Sent after the change"


@pytest.fixture
def frozen(window, alice, bob, carol, browser_errors):
    """alice's tab, which has not heard that bob logged in beside it; in a chat of both."""
    browser_errors.expect("409", "WebSocket", "net::ERR_FAILED", "401", "not been sent yet")
    group = alice.start_group("Garden", bob, carol)
    hers = window(alice)
    hers.page.route_web_socket("**/ws/page?*", lambda page_side: None)
    hers.open_chat(group)
    hers.page.route("**/messages", lambda route: route.abort())
    hers.say(WAITING)
    expect(hers.message(WAITING)).to_contain_text("Sending")
    his = Window(hers.page.context.new_page())
    his.go("/")
    his.log_out()
    his.expect_path("/login")
    his.fill(Username_or_email=bob.username, Password=PASSWORD)
    his.press("Log in")
    his.expect_path("/")
    his.open_chat(group)
    return hers, his


def test_sends_nothing_as_the_new_user_and_becomes_their_page(frozen, bob):
    hers, his = frozen
    hers.say(NEW)
    expect(hers.message(NEW)).to_contain_text("Sending")
    hers.page.unroute("**/messages")

    expect(hers.page.locator(".sidebar__me")).to_contain_text(bob.name, timeout=LONGEST_RETRY_MS)
    expect(hers.box).to_have_value("")
    his.say("Said by Bob")
    his.expect_status("Said by Bob", "Sent")
    expect(his.log).not_to_contain_text(WAITING)
    expect(his.log).not_to_contain_text(NEW)
    kept = hers.page.evaluate("JSON.stringify(localStorage)")
    assert WAITING in kept
    assert NEW in kept


def test_shows_no_page_of_the_new_user_beside_its_own(frozen, bob):
    hers, _his = frozen
    hers.follow("New chat")

    hers.expect_path("/chats/.*")
    expect(hers.page.locator(".sidebar__me")).to_contain_text(bob.name)


def test_logging_out_there_leaves_the_new_user_logged_in(frozen, bob):
    hers, his = frozen
    hers.follow("Log out")

    expect(hers.page.locator(".sidebar__me")).to_contain_text(bob.name)
    his.say("Still here")
    his.expect_status("Still here", "Sent")
