"""Sending messages: pending, sent, delivered, read, refused and repeated."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

SEND = "**/chats/*/messages"
FAKE_FOCUS = "Document.prototype.hasFocus = () => window.isFocused"


@pytest.fixture
def chat(alice, bob) -> str:
    return alice.start_chat(bob)


@pytest.fixture
def hers(window, alice, chat):
    view = window(alice)
    view.open_chat(chat)
    return view


def test_message_is_shown_immediately_and_sent_later(hers):
    release = hers.delay_requests(SEND)
    hers.say("Hello")

    hers.expect_status("Hello", "Sending…")
    expect(hers.box).to_have_value("")
    expect(hers.box).to_be_focused()
    release()
    hers.expect_status("Hello", "Sent")
    hers.expect_messages("Hello")


def test_rate_limited_message_is_retried_after_the_requested_time(hers, browser_errors):
    browser_errors.expect("429")
    refusals = [{"status": 429, "headers": {"Retry-After": "2"}}]

    def answer(route):
        route.fulfill(**refusals.pop()) if refusals else route.continue_()

    hers.page.route(SEND, answer)
    hers.say("Hello", "again")

    expect(hers.message("Hello").get_by_text("Too many messages, retrying in 2 s")).to_be_visible()
    hers.expect_status("Hello", "Sent")
    hers.expect_status("again", "Sent")
    hers.expect_messages("Hello", "again")


def test_rate_limited_request_shows_an_error_and_keeps_the_page(hers, browser_errors):
    browser_errors.expect("429")
    page = "<p data-detail>Too many requests. Try again in 2 seconds.</p>"
    hers.page.route("**/chats/new*", lambda route: route.fulfill(status=429, body=page))
    hers.box.fill("not sent yet")
    hers.page.get_by_role("complementary").get_by_role("link", name="New chat").click()

    expect(hers.page.get_by_text("Too many requests. Try again in 2 seconds.")).to_be_visible()
    expect(hers.box).to_have_value("not sent yet")


def test_status_changes_to_delivered_and_read(window, hers, bob):
    hers.say("Hello")
    hers.expect_status("Hello", "Sent")

    his = window(bob)
    hers.expect_status("Hello", "Delivered")
    his.row("Alice").get_by_role("link").click()
    hers.expect_status("Hello", "Read")


def test_message_is_delivered_while_another_chat_is_open(window, hers, bob, carol):
    his = window(bob, path=f"/chats/{bob.start_chat(carol)}")
    hers.say("Hello")

    hers.expect_status("Hello", "Delivered")
    his.expect_unread("Alice", 1)
    his.row("Alice").get_by_role("link").click()
    hers.expect_status("Hello", "Read")


def test_message_is_not_read_in_a_window_without_focus(window, hers, bob, chat):
    his = window(bob)
    his.page.add_init_script(FAKE_FOCUS)
    his.open_chat(chat)
    hers.say("Hello")

    his.expect_messages("Hello")
    hers.expect_status("Hello", "Delivered")
    his.expect_unread("Alice", 1)
    his.page.evaluate("isFocused = true; dispatchEvent(new Event('focus'))")
    hers.expect_status("Hello", "Read")
    his.expect_nothing_unread()


def test_enter_sends_and_shift_enter_inserts_a_line_break(window, hers, bob, chat):
    hers.box.press_sequentially("One")
    hers.box.press("Shift+Enter")
    hers.box.press_sequentially("two")
    expect(hers.messages).to_have_count(0)
    hers.box.press("Enter")
    expect(hers.messages).to_have_count(1)

    his = window(bob, path=f"/chats/{chat}")
    for view in (hers, his):
        expect(view.messages.get_by_text("One\ntwo")).to_have_js_property("innerText", "One\ntwo")


def test_blank_message_is_not_sent(hers):
    hers.say("   ")
    hers.page.get_by_role("button", name="Send").click(force=True)
    hers.say("Something")

    hers.expect_messages("Something")
    hers.expect_status("Something", "Sent")


def test_too_long_message_stays_in_the_message_box(hers):
    hers.say("x" * 4097)

    expect(hers.page.get_by_text("1 character too many (limit 4,096)").first).to_be_visible()
    expect(hers.box).to_have_value("x" * 4097)
    expect(hers.messages).to_have_count(0)


def test_message_is_not_duplicated_after_a_lost_response(window, hers, bob, chat, browser_errors):
    browser_errors.expect("ERR_FAILED", "ERR_INTERNET_DISCONNECTED")
    responses = []

    def lose_the_first(route):
        responses.append(route.fetch())
        route.fulfill(response=responses[-1]) if len(responses) > 1 else route.abort()

    hers.page.route(SEND, lose_the_first)
    hers.say("Hello", "Are you there?")

    hers.expect_status("Are you there?", "Sent")
    hers.expect_messages("Hello", "Are you there?")
    assert [response.status for response in responses] == [201, 200, 201]
    his = window(bob, path=f"/chats/{chat}")
    his.expect_messages("Hello", "Are you there?")


def test_refused_message_shows_the_reason_and_can_be_retried(hers, browser_errors):
    browser_errors.expect("400")
    reason = "<p data-detail>Not like this.</p>"
    hers.page.route(SEND, lambda route: route.fulfill(status=400, body=reason), times=1)
    hers.say("Hello", "Next")

    expect(hers.message("Hello")).to_contain_text("Not like this.")
    hers.expect_status("Next", "Sent")
    hers.press("Try again")
    hers.expect_status("Hello", "Sent")
    hers.expect_messages("Next", "Hello")


def test_refused_message_can_be_discarded(hers, browser_errors):
    browser_errors.expect("400")
    hers.page.route(SEND, lambda route: route.fulfill(status=400, body=""), times=1)
    hers.say("Hello")
    hers.press("Discard")
    hers.say("Something else")

    hers.expect_messages("Something else")
    hers.page.reload()
    hers.expect_messages("Something else")


def test_draft_and_pending_message_survive_a_reload(hers, browser_errors):
    browser_errors.expect("ERR_FAILED")
    hers.page.route(SEND, lambda route: route.abort())
    hers.say("Waiting")
    hers.box.fill("Half a sen")
    hers.expect_status("Waiting", "Sending…")
    hers.page.reload()

    hers.expect_status("Waiting", "Sending…")
    expect(hers.box).to_have_value("Half a sen")
    hers.page.unroute(SEND)
    hers.expect_status("Waiting", "Sent")
    hers.expect_messages("Waiting")


def test_reply_shows_the_quoted_message(window, hers, alice, bob, chat):
    alice.say(chat, "Tea or coffee?", "Or water?")
    his = window(bob, path=f"/chats/{chat}")
    his.message("Tea or coffee?").hover()
    his.press("Reply")
    his.say("Tea, please")

    for view, author in ((hers, "You"), (his, "Alice")):
        quote = view.message("Tea, please").get_by_role("link")
        expect(quote).to_contain_text(author)
        expect(quote).to_contain_text("Tea or coffee?")


@pytest.mark.parametrize("text", ["\u200b", "\u3164", "\u2800", "\ufeff"])
def test_invisible_text_cannot_be_sent(hers, text):
    hers.box.fill("a")
    send = hers.page.get_by_role("button", name="Send")
    expect(send).to_have_attribute("aria-disabled", "false")

    hers.box.fill(text)

    expect(send).to_have_attribute("aria-disabled", "true")
