"""A long history loads in pages in both directions and keeps the scroll position."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

OPENING = 30
PAGE = 50
LINES = 2 * PAGE + 20


def line(number: int) -> str:
    return f"Line {number}."


@pytest.fixture
def start_chat(alice, bob) -> Callable[[int], str]:
    """A function that creates a chat with this many messages from Bob to Alice."""

    def start(lines: int) -> str:
        chat = bob.start_chat(alice)
        bob.say(chat, *map(line, range(1, lines + 1)))
        return chat

    return start


def test_scrolling_up_loads_earlier_messages_and_keeps_the_position(window, alice, start_chat):
    chat = start_chat(LINES)
    alice.read_all(chat)
    view = window(alice, path=f"/chats/{chat}")
    expect(view.messages).to_have_count(OPENING)
    expect(view.message(line(LINES))).to_be_in_viewport()
    release = view.delay_requests("**/messages?before=*")
    anchor = view.message(line(LINES - OPENING + 10))
    anchor.evaluate("message => message.scrollIntoView({ block: 'start' })")
    expect(view.page.get_by_role("link", name="Earlier")).to_have_attribute("aria-busy", "true")
    height = anchor.bounding_box()["y"]
    release()
    expect(view.messages).to_have_count(OPENING + PAGE)

    assert anchor.bounding_box()["y"] == pytest.approx(height, abs=1)
    view.log.evaluate("log => log.scrollTop = 0")
    view.expect_messages(*map(line, range(1, LINES + 1)))
    expect(view.page.get_by_role("link", name="Earlier")).to_have_count(0)
    expect(view.log.get_by_text("This is the start of the chat.")).to_be_visible()


def test_change_above_the_viewport_does_not_move_visible_messages(window, alice, bob, start_chat):
    chat = start_chat(OPENING)
    alice.read_all(chat)
    hers = window(alice, path=f"/chats/{chat}", viewport={"width": 1000, "height": 500})
    his = window(bob, path=f"/chats/{chat}")
    read = hers.message(line(10))
    read.evaluate("message => message.scrollIntoView({ block: 'start' })")
    height = read.bounding_box()["y"]
    his.choose(line(3), "👍", role="menuitemcheckbox")

    expect(hers.message(line(3)).get_by_role("button", name="👍 1")).to_be_attached()
    assert read.bounding_box()["y"] == pytest.approx(height, abs=1)


def test_scroll_button_counts_new_messages_and_scrolls_to_the_latest(
    window, alice, bob, start_chat
):
    chat = start_chat(PAGE)
    alice.read_all(chat)
    view = window(alice, path=f"/chats/{chat}")
    button = view.page.get_by_role("button", name="Scroll to latest")
    expect(button).to_be_hidden()
    view.log.hover()
    view.page.mouse.wheel(0, -1500)
    expect(button).to_be_visible()
    bob.say(chat, "One more", "And another")

    expect(button).to_have_text("2")
    expect(view.message("And another")).not_to_be_in_viewport()
    button.click()
    expect(view.message("And another")).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_day_labels_are_updated_at_midnight(window, alice, bob):
    chat = bob.start_chat(alice)
    view = window(alice)
    view.page.clock.install()
    view.open_chat(chat)
    bob.say(chat, "Good night")
    expect(view.log.get_by_role("separator").filter(has_text="today")).to_be_visible()
    view.page.clock.fast_forward("24:00:00")

    expect(view.log.get_by_role("separator").filter(has_text="yesterday")).to_be_visible()
    expect(view.row("Good night").get_by_text("yesterday")).to_be_visible()


def test_chat_with_many_unread_messages_opens_at_the_first_unread_one(
    window, alice, bob, start_chat
):
    chat = start_chat(LINES)
    view = window(alice)
    view.expect_unread("Bob", LINES)
    view.row("Bob").get_by_role("link").click()

    expect(view.log.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(view.message(line(1))).to_be_in_viewport()
    expect(view.message(line(LINES))).to_have_count(0)
    bob.say(chat, "One more")
    for shown in (OPENING, OPENING + PAGE, LINES + 1):
        expect(view.messages).to_have_count(shown)
        view.messages.last.scroll_into_view_if_needed()
    view.expect_messages(*map(line, range(1, LINES + 1)), "One more")
    view.expect_nothing_unread()


def test_quote_links_to_a_message_that_is_not_loaded(window, alice, bob, start_chat):
    lines = OPENING + PAGE + 10
    chat = start_chat(lines)
    alice.read_all(chat)
    view = window(alice, path=f"/chats/{chat}?around=5")
    expect(view.message(line(5))).to_be_in_viewport()
    view.message(line(5)).hover()
    view.press("Reply")
    view.say("I disagree")

    expect(view.message("I disagree")).to_be_in_viewport()
    expect(view.message(line(lines))).to_be_in_viewport()
    view.open_chat(chat)
    expect(view.message(line(5))).to_have_count(1)
    view.message("I disagree").get_by_role("link").click()
    expect(view.messages.get_by_text(line(5), exact=True)).to_be_in_viewport()


def test_page_of_a_new_member_stays_up_to_date_and_shows_no_older_message(
    window, alice, bob, carol
):
    chat = alice.start_group("Garden", bob, carol)
    alice.remove(chat, bob)
    older = alice.say(chat, "The narwhal is grey.")
    alice.add(chat, bob)
    his, asked = window(bob, path=f"/chats/{chat}"), []
    carol.say(chat, "Welcome back.")  # shown once the socket is open and the page up to date
    expect(his.message("Welcome back.")).to_be_visible()
    his.page.on("request", lambda request: asked.append(request.url))
    version = int(his.log.get_attribute("data-version"))

    carol.say(chat, "Grey indeed.", reply_to=older)
    alice.react(chat, older, "🐳")
    alice.say(chat, "That is all.")

    expect(his.message("That is all.")).to_be_visible()
    expect(his.log).to_have_attribute("data-version", str(version + 3))
    expect(his.message("Grey indeed.")).to_contain_text("A message from before you joined")
    expect(his.log).not_to_contain_text("narwhal")
    assert [url for url in asked if "/changes" in url] == []
