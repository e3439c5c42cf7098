"""A tab that does not know that another user has logged in in the same browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD
from tests.journeys.windows import Window

pytestmark = pytest.mark.journey

LONGEST_RETRY_MS = 20_000
WAITING, NEW = "Sent before the change", "Sent after the change"


@pytest.fixture
def tabs(window, alice, bob, carol, browser_errors):
    """alice's tab without a socket, and bob's tab of the same browser, both in one group."""
    browser_errors.expect("409", "WebSocket", "net::ERR_FAILED", "401", "not been sent yet")
    group = alice.start_group("Garden", bob, carol)
    hers = window(alice)
    hers.page.route_web_socket("**/ws/page?*", lambda route: None)
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


def test_stale_tab_sends_nothing_as_the_new_user_and_reloads_as_theirs(tabs, bob):
    hers, his = tabs
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


def test_stale_tab_does_not_mix_pages_of_both_users(tabs, bob):
    hers, _his = tabs
    hers.follow("New chat")

    hers.expect_path("/chats/.*")
    expect(hers.page.locator(".sidebar__me")).to_contain_text(bob.name)


def test_logging_out_in_a_stale_tab_does_not_log_the_new_user_out(tabs, bob):
    hers, his = tabs
    hers.follow("Log out")

    expect(hers.page.locator(".sidebar__me")).to_contain_text(bob.name)
    his.say("Still here")
    his.expect_status("Still here", "Sent")
