"""Navigation between pages: late responses are ignored, and failed ones are reported."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.windows import PHONE

pytestmark = pytest.mark.journey

OFFLINE_ERRORS = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")
PLACE_IN_HISTORY = "navigation.currentEntry.index"
FAILED = "Something went wrong. Check your connection."
OFFLINE = "You are offline. Try again when you are connected."


def delay_chat(view, chat):
    """Delay the response of this chat's page until the returned function is called."""
    ended = []

    def note(request):
        if request.url.endswith(f"/chats/{chat}"):
            ended.append(request)

    for end in ("requestfinished", "requestfailed"):
        view.page.on(end, note)
    release = view.delay_requests(f"**/chats/{chat}")

    def answer():
        release()
        view.wait_until(lambda: ended)
        view.wait_for_animations()

    return answer


def expect_chat_with(view, name):
    expect(view.page.get_by_role("heading", name=name)).to_be_visible()


def test_late_response_does_not_replace_the_chat_opened_after_it(window, alice, bob, carol):
    bobs, carols = alice.start_chat(bob), alice.start_chat(carol)
    view = window(alice)
    answer = delay_chat(view, bobs)
    view.row("Bob").get_by_role("link").dblclick()
    view.row("Carol").get_by_role("link").click()
    expect_chat_with(view, "Carol")
    view.box.press_sequentially("For Carol ")
    answer()

    view.page.keyboard.type("alone")
    expect(view.box).to_have_value("For Carol alone")
    expect_chat_with(view, "Carol")
    view.expect_path(f"/chats/{carols}")


def test_going_back_twice_quickly_shows_the_second_page(window, alice, bob, carol):
    bobs, carols = alice.start_chat(bob), alice.start_chat(carol)
    view = window(alice)
    for name in ("Bob", "Carol"):
        view.row(name).get_by_role("link").click()
        expect_chat_with(view, name)
    view.follow("Alice Settings")
    view.expect_path("/settings")
    answer = delay_chat(view, carols)
    for chat in (carols, bobs):
        view.page.evaluate("history.back()")
        view.expect_path(f"/chats/{chat}")
    expect_chat_with(view, "Bob")
    answer()

    expect_chat_with(view, "Bob")
    view.expect_path(f"/chats/{bobs}")


def is_privacy_form(request):
    return request.url.endswith("/settings/privacy")


def test_slow_form_is_still_saved_after_the_user_navigates_on(window, alice, bob):
    alice.start_chat(bob)
    view = window(alice, path="/settings")
    receipts = view.page.get_by_role("checkbox", name="Read receipts")
    release = view.delay_requests("**/settings/privacy")
    receipts.uncheck()
    view.row("Bob").get_by_role("link").click()
    expect_chat_with(view, "Bob")
    with view.page.expect_event("requestfinished", is_privacy_form):
        release()

    view.wait_for_animations()
    expect_chat_with(view, "Bob")
    view.go("/settings")
    expect(receipts).not_to_be_checked()


def test_link_and_form_report_a_lost_connection(window, alice, bob, browser_errors):
    browser_errors.expect(*OFFLINE_ERRORS)
    alice.start_chat(bob)
    view = window(alice, path="/settings")
    view.page.context.set_offline(True)
    view.row("Bob").get_by_role("link").click()
    expect(view.page.get_by_text(OFFLINE)).to_be_visible()
    expect(view.page.get_by_text(OFFLINE)).to_be_hidden()
    view.page.get_by_role("checkbox", name="Read receipts").click()

    expect(view.page.get_by_text(OFFLINE)).to_be_visible()
    view.expect_path("/settings")


def test_going_back_reports_a_lost_connection(window, alice, bob, browser_errors):
    browser_errors.expect(*OFFLINE_ERRORS)
    alice.start_chat(bob)
    view = window(alice)
    view.row("Bob").get_by_role("link").click()
    expect_chat_with(view, "Bob")
    view.page.context.set_offline(True)
    view.page.evaluate("history.back()")

    expect(view.page.get_by_text(OFFLINE)).to_be_visible()


def test_going_back_to_a_chat_after_removal_shows_an_error_page(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect("404", "htmx:|Response Status")
    group = alice.start_group("Garden", bob, carol)
    his = window(bob, path=f"/chats/{group}")
    his.follow("Bob Settings")
    his.expect_path("/settings")
    alice.remove(group, bob)
    expect(his.row("Garden")).to_have_count(0)
    his.page.go_back()

    expect(his.page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_switch_shows_why_it_was_refused_and_returns(window, alice, browser_errors):
    browser_errors.expect("403")
    view = window(alice, path="/settings")
    view.page.context.clear_cookies(name="csrftoken")
    view.page.get_by_role("checkbox", name="Read receipts").click()

    expect(view.page.get_by_text("This form has expired.")).to_be_visible()
    expect(view.page.get_by_role("checkbox", name="Read receipts")).to_be_checked()


def test_failed_fragment_request_shows_an_error_and_keeps_the_page(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect("503", "502")
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}")
    view.page.route("**/people?*", lambda route: route.fulfill(status=503))
    view.fill(Search=carol.username)
    expect(view.page.get_by_text(FAILED)).to_be_visible()
    view.expect_path(f"/chats/{chat}")
    expect(view.page.get_by_text(FAILED)).to_be_hidden()

    gateway = {"status": 502, "body": "<h1>Bad Gateway</h1>", "content_type": "text/html"}
    view.page.route("**/settings", lambda route: route.fulfill(**gateway))
    view.page.get_by_label("Chat menu").click()
    view.press("Pin")
    expect(view.page.get_by_text(FAILED)).to_be_visible()


def test_row_is_selected_and_pane_is_busy_while_the_chat_loads(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice)
    release = view.delay_requests(f"**/chats/{chat}")
    link = view.row("Bob").get_by_role("link")
    link.click()

    expect(link).to_have_attribute("aria-current", "page")
    expect(view.page.get_by_role("main")).to_have_attribute("aria-busy", "true")
    release()
    expect(view.box).to_be_visible()
    expect(view.page.get_by_role("main")).not_to_have_attribute("aria-busy", "true")


def test_open_chat_stays_selected_when_another_one_cannot_be_loaded(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect(*OFFLINE_ERRORS)
    bobs, _carols = alice.start_chat(bob), alice.start_chat(carol)
    view = window(alice, path=f"/chats/{bobs}")
    view.page.context.set_offline(True)
    view.row("Carol").get_by_role("link").click()

    expect(view.page.get_by_text(OFFLINE)).to_be_visible()
    expect(view.row("Bob").get_by_role("link")).to_have_attribute("aria-current", "page")
    expect(view.row("Carol").get_by_role("link")).not_to_have_attribute("aria-current", "page")
    expect(view.page.get_by_role("main")).not_to_have_attribute("aria-busy", "true")


def test_message_menu_opens_before_the_server_responds(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello")
    view = window(alice, path=f"/chats/{chat}")
    release = view.delay_requests("**/menu")
    view.message("Hello").hover()
    view.message("Hello").get_by_role("button", name="More", exact=True).click()

    expect(view.page.get_by_role("menuitem", name="Reply")).to_be_focused()
    expect(view.page.get_by_role("menuitem", name="Report")).to_have_count(0)
    release()
    expect(view.page.get_by_role("menuitem", name="Report")).to_be_visible()
    expect(view.page.get_by_role("menuitem", name="Reply")).to_be_focused()
    view.page.get_by_role("menuitem", name="Reply").click()
    expect(view.box).to_be_focused()


def test_reaction_can_be_chosen_before_the_server_responds(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello")
    view = window(alice, path=f"/chats/{chat}")
    view.delay_requests("**/menu")
    view.message("Hello").hover()
    view.message("Hello").get_by_role("button", name="More", exact=True).click()
    view.page.get_by_role("menuitemcheckbox", name="👍").click()

    expect(view.message("Hello").get_by_role("button", name="👍 1")).to_be_visible()


def test_back_arrows_return_through_the_history_of_the_browser(window, alice, bob):
    chat = alice.start_chat(bob)
    bob.say(chat, "Hello")
    view = window(alice, **PHONE)
    view.row("Bob").get_by_role("link").click()
    view.page.locator("#chat-subject").click()
    view.expect_path(f"/chats/{chat}/info")
    place = view.page.evaluate(PLACE_IN_HISTORY)

    view.follow("Back")
    expect(view.message("Hello")).to_be_visible()
    view.follow("Back")
    view.expect_path("/")

    assert view.page.evaluate(PLACE_IN_HISTORY) == place - 2
