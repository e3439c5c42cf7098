"""Formatted messages, long messages and the typing indicator of the list."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


def test_composer_previews_formatting_and_editing_shows_the_markers(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}")
    form = view.page.locator("message-composer")

    view.box.press_sequentially("so ")
    view.box.press("Control+b")
    view.box.press_sequentially("good")
    expect(form.locator("strong")).to_have_text("*good*")
    view.box.press("Enter")

    expect(form.locator("strong")).to_have_count(0)
    expect(view.row("Bob").get_by_text("so good", exact=True)).to_be_visible()
    view.message("good").click(button="right")
    view.page.get_by_role("menuitem", name="Edit").click()
    expect(view.box).to_have_value("so *good*")
    view.box.press("Escape")
    view.message("good").dblclick()
    expect(form.get_by_text("so good", exact=True)).to_be_visible()
    expect(view.box).to_be_focused()


def test_expanded_long_message_stays_expanded_after_a_change(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}")
    message = bob.say(chat, "line\n" * 40 + "end")
    more = view.page.get_by_role("button", name="Read more")
    folded = view.messages.bounding_box()["height"]

    more.click()
    alice.react(chat, message, "👍")

    expect(view.messages.get_by_role("button", name="👍")).to_be_visible()
    expect(more).to_be_hidden()
    assert view.messages.bounding_box()["height"] > folded * 1.5


def test_list_shows_who_is_typing(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, "Hello")
    hers, his = window(alice), window(bob, path=f"/chats/{chat}")

    def typing_is_shown() -> bool:
        his.box.press_sequentially("Hi")
        return hers.row("Bob").get_by_text("typing…").is_visible()

    hers.wait_until(typing_is_shown)  # repeated, because his socket may not be open yet
    his.box.press("Enter")

    expect(hers.row("Bob").get_by_text("Hi")).to_be_visible()
    expect(hers.row("Bob").get_by_text("typing…")).to_be_hidden()
