"""Unread counts on all devices of a user."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

BLOCK_RECEIPTS = """() => {
  const live = document.querySelector("live-socket");
  const send = live.send.bind(live);
  live.send = (frame) => (frame.type === "receipt" ? false : send(frame));
}"""
COUNT_CHANGES = """() => {
  window.changedMessages = new Set();
  const note = ({ target }) => {
    const article = (target.closest ? target : target.parentElement).closest(".message");
    window.changedMessages.add(article?.querySelector(".message__body").textContent);
  };
  const watch = { childList: true, characterData: true, subtree: true };
  new MutationObserver((changes) => changes.forEach(note)).observe(document.querySelector("message-history"), watch);
}"""


def test_unread_count_is_cleared_on_all_devices_when_the_chat_is_opened(window, alice, bob):
    chat = bob.start_chat(alice)
    computer, phone = window(alice), window(alice, device=1)
    bob.say(chat, "Hello", "Are you there?")

    for device in (computer, phone):
        device.expect_unread("Bob", 2)
        expect(device.page).to_have_title(re.compile(r"^\(1\) "))
        expect(device.page.locator("link[rel=icon]")).to_have_attribute(
            "href", re.compile("unread")
        )
    computer.row("Bob").get_by_role("link").click()
    for device in (computer, phone):
        device.expect_nothing_unread()
        expect(device.page).not_to_have_title(re.compile(r"^\("))
        expect(device.page.locator("link[rel=icon]")).not_to_have_attribute(
            "href", re.compile("unread")
        )


def test_open_chat_has_no_unread_messages_but_another_chat_has(window, alice, bob, carol):
    bobs, carols = bob.start_chat(alice), carol.start_chat(alice)
    view = window(alice, path=f"/chats/{bobs}")
    bob.say(bobs, "I am here")
    view.expect_messages("I am here")
    carol.say(carols, "And I am here")

    view.expect_unread("Carol", 1)
    expect(view.rows.first).to_contain_text("And I am here")
    expect(view.row("Bob").get_by_title("Unread")).to_be_empty()


def test_own_message_is_not_unread_on_another_device(window, alice, bob):
    chat = alice.start_chat(bob)
    computer, phone = window(alice, path=f"/chats/{chat}"), window(alice, device=1)
    computer.say("Hello")

    expect(phone.row("Bob").get_by_text("Hello", exact=True)).to_be_visible()
    phone.expect_nothing_unread()


def test_search_filters_the_list(window, alice, bob, carol):
    alice.start_chat(bob)
    alice.start_chat(carol)
    view = window(alice)
    view.fill(Search="car")

    expect(view.row("Carol")).to_be_visible()
    expect(view.row("Bob")).to_be_hidden()
    view.page.keyboard.press("Escape")
    expect(view.row("Bob")).to_be_visible()


def test_chat_counts_as_read_although_the_user_leaves_immediately(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello", "Are you there?")
    view, phone = window(alice), window(alice, device=1)
    view.expect_unread("Bob", 2)
    view.page.evaluate(BLOCK_RECEIPTS)
    view.row("Bob").get_by_role("link").click()
    view.expect_nothing_unread()
    view.page.goto("about:blank")

    phone.expect_nothing_unread()


def test_scroll_button_shows_the_unread_count(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, *[f"Line {number}" for number in range(40)])
    view = window(alice, path=f"/chats/{chat}")
    button = view.page.get_by_role("button", name="Scroll to latest")
    expect(button).to_be_visible()

    def agree() -> bool:
        return (
            button.text_content().strip() == view.row("Bob").get_by_title("Unread").text_content()
        )

    view.wait_until(agree)
    assert int(button.text_content()) > 1


def test_receipt_changes_only_the_message_it_concerns(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, *[f"Line {number}" for number in range(20)])
    bob.read_all(chat)
    view = window(alice, path=f"/chats/{chat}")
    expect(view.log).to_have_attribute("aria-relevant", "additions")
    alice.say(chat, "The last one")
    expect(view.message("The last one")).to_be_visible()
    view.wait_for_animations()
    view.page.evaluate(COUNT_CHANGES)
    bob.read_all(chat)

    view.expect_status("The last one", "Read")
    assert view.page.evaluate("[...window.changedMessages]") == ["The last one"]
