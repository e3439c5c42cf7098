"""How one keeps one's conversations, on all of one's devices."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

COUNTED = re.compile(r"^\(\d+\) ")
TOO_MUCH = "x" * 4100
OWN_NEWS = """() => {
  window.isToldBack = false;
  document.addEventListener("live-membership", () => (window.isToldBack = true), { once: true });
}"""


@pytest.fixture
def bobs(alice, bob) -> str:
    chat = bob.start_chat(alice)
    bob.say(chat, "I am Bob")
    return chat


@pytest.fixture
def carols(bobs, alice, carol) -> str:
    chat = carol.start_chat(alice)
    carol.say(chat, "I am Carol")
    return chat


def keep(view, how):
    view.page.get_by_label("Chat menu").click()
    view.press(how)


def act(view, chat, how):
    view.row(chat).click(button="right")
    actions = view.page.get_by_role("dialog", name="Actions")
    actions.get_by_role("button", name=how, exact=True).click()


def test_a_pinned_chat_stays_on_top_and_an_archived_one_goes_apart(window, alice, bobs, carols):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    expect(phone.rows.first).to_contain_text("Carol")
    keep(computer, "Pin")

    for device in (computer, phone):
        expect(device.rows.first).to_contain_text("Bob")
    keep(computer, "Unpin")
    expect(phone.rows.first).to_contain_text("Carol")
    keep(computer, "Archive")
    for device in (computer, phone):
        expect(device.row("Bob")).to_be_hidden()
    phone.page.get_by_text("Archived").click()
    expect(phone.row("Bob")).to_be_visible()


def test_right_click_on_a_chat_archives_it_without_opening_it(window, alice, bobs, carols):
    view = window(alice)
    act(view, "Bob", "Archive")

    expect(view.row("Bob")).to_be_hidden()
    view.expect_path("/")


def test_a_chat_marked_as_unread_is_so_on_all_devices_until_it_is_opened(window, alice, bobs):
    alice.read_all(bobs)
    computer, phone = window(alice), window(alice, device=1)
    act(computer, "Bob", "Mark as unread")

    for device in (computer, phone):
        expect(device.row("Bob")).to_contain_text("Marked as unread")
        expect(device.page).to_have_title(re.compile(r"^\(1\) "))
    phone.row("Bob").get_by_role("link").click()
    for device in (computer, phone):
        device.nothing_unread()
        expect(device.page).not_to_have_title(COUNTED)


def test_an_open_chat_that_is_marked_as_unread_stays_so_until_it_is_opened_again(
    window, alice, bobs, carols
):
    alice.read_all(bobs)
    alice.read_all(carols)
    view = window(alice, path=f"/chats/{bobs}")
    keep(view, "Mark as unread")
    expect(view.row("Bob")).to_contain_text("Marked as unread")
    view.page.get_by_label("Chat menu").click()
    expect(view.page.get_by_role("button", name="Mark as read")).to_be_visible()
    view.row("Carol").get_by_role("link").click()
    expect(view.message("I am Carol")).to_be_visible()

    expect(view.row("Bob")).to_contain_text("Marked as unread")
    view.row("Bob").get_by_role("link").click()
    expect(view.message("I am Bob")).to_be_visible()
    view.nothing_unread()
    view.page.get_by_label("Chat menu").click()
    expect(view.page.get_by_role("button", name="Mark as unread")).to_be_visible()


def test_a_chat_is_marked_as_read_without_being_opened(window, alice, bob, bobs):
    hers, his = window(alice), window(bob, path=f"/chats/{bobs}")
    hers.unread("Bob", 1)
    act(hers, "Bob", "Mark as read")

    hers.nothing_unread()
    hers.is_at("/")
    his.ticks("I am Bob", "Read")


def test_a_muted_chat_does_not_call_and_says_until_when(window, alice, bob, bobs, carols):
    alice.read_all(bobs)
    alice.read_all(carols)
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    keep(computer, "Mute for 8 hours")
    until = computer.page.get_by_text(re.compile(r"Muted until .*\d:\d\d"))
    expect(until).to_be_attached()
    computer.page.get_by_label("Chat menu").click()
    expect(until).to_be_visible()
    computer.go(f"/chats/{carols}")
    bob.say(bobs, "Psst")

    phone.expect_unread("Bob", 1)
    expect(phone.page).not_to_have_title(COUNTED)
    phone.go(f"/chats/{carols}")
    computer.go(f"/chats/{bobs}")
    keep(computer, "Unmute")
    computer.go("/chats/new")
    bob.say(bobs, "Hello!")
    expect(phone.page).to_have_title(COUNTED)


def test_the_info_page_shows_at_once_how_a_chat_is_kept(window, alice, bobs):
    view = window(alice, path=f"/chats/{bobs}/info")
    view.press("Mute for 8 hours")

    expect(view.page.get_by_text(re.compile(r"Muted until .*\d:\d\d"))).to_be_visible()
    expect(view.page.get_by_role("button", name="Unmute")).to_be_focused()
    view.press("Unmute")
    expect(view.page.get_by_role("button", name="Mute for 8 hours")).to_be_focused()
    view.press("Pin")
    expect(view.page.get_by_role("button", name="Unpin")).to_be_focused()


def test_what_one_begins_to_write_goes_on_on_the_other_device(window, alice, bobs, carols):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    computer.page.evaluate(OWN_NEWS)
    computer.box.press_sequentially("Half a sentence ")

    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    computer.wait_until(lambda: computer.page.evaluate("isToldBack"))
    expect(computer.box).to_have_value("Half a sentence ")
    phone.row("Bob").get_by_role("link").click()
    expect(phone.box).to_have_value("Half a sentence")
    phone.say("Half a sentence is enough")
    expect(computer.box).to_have_value("")
    expect(computer.message("is enough")).to_be_visible()


def test_a_draft_stays_in_the_list_while_one_reads(window, alice, bob, bobs):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    computer.box.fill("Half a sentence")
    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    phone.page.evaluate(OWN_NEWS)
    bob.say(bobs, "Are you there?")

    phone.wait_until(lambda: phone.page.evaluate("isToldBack"))
    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    expect(computer.box).to_have_value("Half a sentence")


def test_too_much_for_a_message_is_not_shortened_by_going_away(window, alice, bobs, carols):
    view = window(alice, path=f"/chats/{bobs}")
    view.box.fill(TOO_MUCH)
    view.row("Carol").get_by_role("link").click()
    view.expect_path(f"/chats/{carols}")

    view.row("Bob").get_by_role("link").click()
    expect(view.box).to_have_value(TOO_MUCH)
    view.page.reload()
    expect(view.box).to_have_value(TOO_MUCH)


def test_whoever_is_blocked_reaches_nobody_and_is_not_told(window, alice, bob, bobs):
    hers, his = window(alice, path=f"/chats/{bobs}/info"), window(bob, path=f"/chats/{bobs}")
    hers.page.get_by_text("Block Bob").click()
    hers.press("Block")
    expect(hers.page.get_by_text("You blocked Bob")).to_be_visible()
    hers.go(f"/chats/{bobs}")
    his.say("Are you there?")

    his.expect_status("Are you there?", "Sent")
    alice.say(bobs, "Nothing from you")
    expect(his.message("Nothing from you")).to_be_visible()
    hers.expect_messages("I am Bob", "Nothing from you")
    his.expect_status("Are you there?", "Sent")
    hers.go(f"/chats/{bobs}/info")
    hers.press("Unblock")
    hers.go(f"/chats/{bobs}")
    his.say("And now?")
    his.expect_status("And now?", "Read")
