"""What is unread, on all of one's devices."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


def test_what_is_unread_is_counted_until_it_is_opened_on_either_device(window, alice, bob):
    chat = bob.start_chat(alice)
    computer, phone = window(alice), window(alice, device=1)
    bob.say(chat, "Hello", "Are you there?")

    for device in (computer, phone):
        device.unread("Bob", 2)
        expect(device.page).to_have_title(re.compile(r"^\(1\) "))
        expect(device.page.locator("link[rel=icon]")).to_have_attribute(
            "href", re.compile("unread")
        )
    computer.row("Bob").get_by_role("link").click()
    for device in (computer, phone):
        device.nothing_unread()
        expect(device.page).not_to_have_title(re.compile(r"^\("))
        expect(device.page.locator("link[rel=icon]")).not_to_have_attribute(
            "href", re.compile("unread")
        )


def test_an_open_chat_counts_nothing_and_another_one_does(window, alice, bob, carol):
    bobs, carols = bob.start_chat(alice), carol.start_chat(alice)
    view = window(alice, path=f"/chats/{bobs}")
    bob.say(bobs, "I am here")
    view.shows("I am here")
    carol.say(carols, "And I am here")

    view.unread("Carol", 1)
    expect(view.rows.first).to_contain_text("And I am here")
    expect(view.row("Bob").get_by_title("Unread")).to_be_empty()


def test_what_one_says_oneself_is_not_unread_on_the_other_device(window, alice, bob):
    chat = alice.start_chat(bob)
    computer, phone = window(alice, path=f"/chats/{chat}"), window(alice, device=1)
    computer.say("Hello")

    expect(phone.link("You: Hello")).to_be_visible()
    phone.nothing_unread()


def test_the_list_is_searched_in_place(window, alice, bob, carol):
    alice.start_chat(bob)
    alice.start_chat(carol)
    view = window(alice)
    view.fill(Search="car")

    expect(view.row("Carol")).to_be_visible()
    expect(view.row("Bob")).to_be_hidden()
    view.page.keyboard.press("Escape")
    expect(view.row("Bob")).to_be_visible()
