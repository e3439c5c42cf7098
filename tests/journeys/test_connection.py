"""Lost connections: nothing is lost or duplicated, and the page recovers by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

OFFLINE_ERRORS = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")
SERVER_DOWN = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    *OFFLINE_ERRORS,
)
ALL_MESSAGES = ["Good morning", "Said meanwhile", "And this", "Written offline", "And that"]
SEND = "**/chats/*/messages"
ANSWER_MS = 11_000  # longer than a page waits for the answer to its heartbeat
NO_CONTENT = re.compile("^$")
SEND_TWO_HEARTBEATS = """() => {
  window.isLost = false;
  document.addEventListener("socket-lost", () => (window.isLost = true));
  document.addEventListener("live-ack", () => (window.isAnswered = true));
  dispatchEvent(new Event("online"));
  dispatchEvent(new Event("online"));
}"""
IS_OPEN = "document.querySelector('live-socket').isOpen"
SHORTER_TIMEOUTS = """
const timeout = AbortSignal.timeout;
AbortSignal.timeout = (after) => timeout.call(AbortSignal, after / 10);
"""
RECONNECTING_MS = 40_000  # pauses between attempts grow up to 15 s


@pytest.fixture
def chat(alice, bob) -> str:
    return alice.start_chat(bob)


@pytest.fixture
def hers(window, alice, chat):
    view = window(alice)
    view.open_chat(chat)
    view.say("Good morning")
    view.expect_status("Good morning", "Sent")
    return view


def expect_reconnected(view) -> None:
    expect(view.banner).to_have_text(NO_CONTENT, timeout=RECONNECTING_MS)


def test_offline_user_receives_missed_messages_and_sends_pending_ones_once(
    window, hers, bob, chat, browser_errors
):
    browser_errors.expect(*OFFLINE_ERRORS)
    his = window(bob, path=f"/chats/{chat}")
    hers.box.fill("Half a sentence")
    hers.page.context.set_offline(True)

    expect(hers.banner).to_contain_text("offline")
    expect(hers.box).to_have_value("Half a sentence")
    bob.say(chat, "Said meanwhile", "And this")
    his.expect_messages("Good morning", "Said meanwhile", "And this")
    hers.say("Written offline", "And that")
    hers.expect_status("And that", "Sending…")

    hers.page.context.set_offline(False)
    expect_reconnected(hers)
    for view in (hers, his):
        view.expect_messages(*ALL_MESSAGES)
    hers.page.reload()
    hers.expect_messages(*ALL_MESSAGES)


def test_lost_network_is_detected_although_the_first_probe_succeeds(hers, browser_errors):
    browser_errors.expect(*OFFLINE_ERRORS)
    asked = hers.page.locator("live-socket").get_attribute("data-probe")
    hers.page.route(f"**{asked}", lambda route: route.fulfill(status=200), times=1)
    hers.page.context.set_offline(True)

    expect(hers.banner).to_contain_text("offline")


def test_request_without_an_answer_does_not_block_later_messages(window, alice, chat):
    hers = window(alice)
    hers.page.add_init_script(SHORTER_TIMEOUTS)
    hers.open_chat(chat)
    silent = []
    hers.page.route(SEND, lambda route: silent.append(route), times=1)
    hers.say("Hello", "Are you there?")
    hers.wait_until(lambda: silent)

    hers.expect_status("Are you there?", "Sent")
    hers.expect_messages("Hello", "Are you there?")


def test_connection_that_answers_a_heartbeat_is_kept(window, alice, chat):
    hers = window(alice)
    hers.page.clock.install()
    hers.open_chat(chat)
    hers.wait_until(lambda: hers.page.evaluate(IS_OPEN))
    hers.page.evaluate(SEND_TWO_HEARTBEATS)
    hers.wait_until(lambda: hers.page.evaluate("window.isAnswered"))

    hers.page.clock.fast_forward(ANSWER_MS)
    assert not hers.page.evaluate("isLost")


def test_page_reconnects_after_the_server_was_killed(
    window, hers, bob, chat, server, browser_errors
):
    browser_errors.expect(*SERVER_DOWN)
    his = window(bob, path=f"/chats/{chat}")
    his.expect_messages("Good morning")
    hers.box.fill("Half a sentence")
    server.kill()

    expect(hers.banner).to_contain_text(re.compile("connecting", re.IGNORECASE))
    expect(hers.box).to_have_value("Half a sentence")
    hers.say("Said while nobody listened", "And that")
    hers.expect_status("And that", "Sending…")
    server.start()

    for view in (hers, his):
        expect(view.messages).to_have_count(3, timeout=RECONNECTING_MS)
        expect_reconnected(view)
        view.expect_messages("Good morning", "Said while nobody listened", "And that")


def test_page_reconnects_after_a_graceful_restart(window, hers, bob, chat, server, browser_errors):
    browser_errors.expect(*SERVER_DOWN)
    his = window(bob, path=f"/chats/{chat}")
    his.expect_messages("Good morning")
    assert server.stop() == 0
    hers.say("Said while nobody listened")
    server.start()

    for view in (hers, his):
        expect(view.messages).to_have_count(2, timeout=RECONNECTING_MS)
        expect_reconnected(view)


def test_list_shows_missed_chats_and_removals_after_reconnecting(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect(*OFFLINE_ERRORS)
    bob.start_group("Garden", alice, carol)
    over = bob.start_group("Over", alice, carol)
    hers = window(alice)
    hers.page.context.set_offline(True)
    expect(hers.banner).to_contain_text("offline")
    chat = carol.start_chat(alice)
    carol.say(chat, "Are you in?", "Hello?")
    bob.remove(over, alice)

    hers.page.context.set_offline(False)
    hers.expect_unread("Carol", 2)
    expect(hers.row("Carol")).to_contain_text("Hello?")
    expect(hers.row("Over")).to_have_count(0)
    expect(hers.row("Garden")).to_have_count(1)


def test_missed_new_title_is_shown_after_reconnecting(window, alice, bob, carol, browser_errors):
    browser_errors.expect(*OFFLINE_ERRORS)
    group = alice.start_group("Garden", bob, carol)
    his = window(bob, path=f"/chats/{group}")
    his.expect_messages("Alice created")
    his.page.context.set_offline(True)
    expect(his.banner).to_contain_text("offline")
    alice.rename(group, "Allotment")

    his.page.context.set_offline(False)
    expect(his.page.get_by_role("heading", name="Allotment")).to_be_visible()
    expect(his.page).to_have_title("Allotment · ChatFlow")
    expect(his.row("Allotment")).to_be_visible()


def test_title_changed_before_the_socket_opened_is_shown(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    his = window(bob)
    late = []
    his.page.route_web_socket("**/ws/page?*", lambda route: late.append(route))
    his.open_chat(group)
    his.wait_until(lambda: late)
    alice.rename(group, "Allotment")

    late[0].connect_to_server()
    expect(his.page.get_by_role("heading", name="Allotment")).to_be_visible()
    expect(his.row("Allotment")).to_be_visible()


def test_lost_event_is_fetched_after_the_next_one(window, alice, bob, chat):
    lost_frames = []

    def lose_some(route):
        def pass_on(frame):
            lost_frames.append(frame) if "Not heard" in frame else route.send(frame)

        route.connect_to_server().on_message(pass_on)

    hers = window(alice)
    hers.page.route_web_socket("**/ws/page?*", lose_some)
    hers.open_chat(chat)
    bob.say(chat, "Heard")
    hers.expect_messages("Heard")
    bob.say(chat, "Not heard")
    hers.wait_until(lambda: lost_frames)
    bob.say(chat, "Heard again")

    hers.expect_messages("Heard", "Not heard", "Heard again")


def test_text_typed_before_the_scripts_are_loaded_is_used(window, alice, bob, carol, chat):
    view = window(alice)
    release = view.delay_requests("**/js/app*.js")
    view.page.goto(f"/chats/{chat}", wait_until="commit")
    view.fill(Search=carol.username)
    view.box.fill("Half a sentence")

    release()

    expect(view.page.get_by_role("button", name=f"@{carol.username}")).to_be_visible()
    expect(view.box).to_have_value("Half a sentence")
    expect(window(alice, path=f"/chats/{chat}").box).to_have_value("Half a sentence")
