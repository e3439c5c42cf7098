"""Pinning, muting, archiving, drafts and blocking, on all devices of a user."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

TITLE_WITH_COUNT = re.compile(r"^\(\d+\) ")
TOO_LONG = "x" * 4100
WAIT_FOR_MEMBERSHIP_EVENT = """() => {
  window.isMembershipReceived = false;
  document.addEventListener("live-membership", () => (window.isMembershipReceived = true), { once: true });
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


def choose_setting(view, name):
    view.page.get_by_label("Chat menu").click()
    view.press(name)


def choose_from_context_menu(view, chat, name):
    view.row(chat).click(button="right")
    actions = view.page.get_by_role("dialog", name="Actions")
    actions.get_by_role("button", name=name, exact=True).click()


def test_pinning_and_archiving_move_the_chat_on_all_devices(window, alice, bobs, carols):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    expect(phone.rows.first).to_contain_text("Carol")
    choose_setting(computer, "Pin")

    for device in (computer, phone):
        expect(device.rows.first).to_contain_text("Bob")
    choose_setting(computer, "Unpin")
    expect(phone.rows.first).to_contain_text("Carol")
    choose_setting(computer, "Archive")
    for device in (computer, phone):
        expect(device.row("Bob")).to_be_hidden()
        expect(device.archive).to_have_text(re.compile(r"Archived\s*1"))
    choose_from_context_menu(computer, "Carol", "Archive")
    expect(phone.archive).to_have_text(re.compile(r"Archived\s*2"))
    phone.archive.click()
    choose_from_context_menu(phone, "Carol", "Unarchive")
    expect(phone.row("Bob")).to_be_visible()
    expect(phone.archive).to_have_text(re.compile(r"Archived\s*1"))


def test_chat_is_archived_from_its_context_menu_without_opening_it(window, alice, bobs, carols):
    view = window(alice)
    choose_from_context_menu(view, "Bob", "Archive")

    expect(view.row("Bob")).to_be_hidden()
    view.expect_path("/")


def test_chat_marked_as_unread_is_unread_on_all_devices_until_it_is_opened(window, alice, bobs):
    alice.read_all(bobs)
    computer, phone = window(alice), window(alice, device=1)
    choose_from_context_menu(computer, "Bob", "Mark as unread")

    for device in (computer, phone):
        expect(device.row("Bob")).to_contain_text("Marked as unread")
        expect(device.page).to_have_title(re.compile(r"^\(1\) "))
    phone.row("Bob").get_by_role("link").click()
    for device in (computer, phone):
        device.expect_nothing_unread()
        expect(device.page).not_to_have_title(TITLE_WITH_COUNT)


def test_open_chat_marked_as_unread_stays_unread_until_it_is_opened_again(
    window, alice, bobs, carols
):
    alice.read_all(bobs)
    alice.read_all(carols)
    view = window(alice, path=f"/chats/{bobs}")
    choose_setting(view, "Mark as unread")
    expect(view.row("Bob")).to_contain_text("Marked as unread")
    view.page.get_by_label("Chat menu").click()
    expect(view.page.get_by_role("button", name="Mark as read")).to_be_visible()
    view.row("Carol").get_by_role("link").click()
    expect(view.message("I am Carol")).to_be_visible()

    expect(view.row("Bob")).to_contain_text("Marked as unread")
    view.row("Bob").get_by_role("link").click()
    expect(view.message("I am Bob")).to_be_visible()
    view.expect_nothing_unread()
    view.page.get_by_label("Chat menu").click()
    expect(view.page.get_by_role("button", name="Mark as unread")).to_be_visible()


def test_chat_is_marked_as_read_without_opening_it(window, alice, bob, bobs):
    hers, his = window(alice), window(bob, path=f"/chats/{bobs}")
    hers.expect_unread("Bob", 1)
    choose_from_context_menu(hers, "Bob", "Mark as read")

    hers.expect_nothing_unread()
    hers.expect_path("/")
    his.expect_status("I am Bob", "Read")


def test_muted_chat_is_not_counted_in_the_title_and_shows_its_end(window, alice, bob, bobs, carols):
    alice.read_all(bobs)
    alice.read_all(carols)
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    choose_setting(computer, "Mute for 8 hours")
    until = computer.page.get_by_text(re.compile(r"Muted until .*\d:\d\d"))
    expect(until).to_be_attached()
    computer.page.get_by_label("Chat menu").click()
    expect(until).to_be_visible()
    computer.go(f"/chats/{carols}")
    bob.say(bobs, "Psst")

    phone.expect_unread("Bob", 1)
    expect(phone.page).not_to_have_title(TITLE_WITH_COUNT)
    phone.go(f"/chats/{carols}")
    computer.go(f"/chats/{bobs}")
    choose_setting(computer, "Unmute")
    computer.go("/chats/new")
    bob.say(bobs, "Hello!")
    expect(phone.page).to_have_title(TITLE_WITH_COUNT)


def test_info_page_shows_changed_settings_immediately(window, alice, bobs):
    view = window(alice, path=f"/chats/{bobs}/info")
    view.press("Mute for 8 hours")

    expect(view.page.get_by_text(re.compile(r"Muted until .*\d:\d\d"))).to_be_visible()
    expect(view.page.get_by_role("button", name="Unmute")).to_be_focused()
    view.press("Unmute")
    expect(view.page.get_by_role("button", name="Mute for 8 hours")).to_be_focused()
    view.press("Pin")
    expect(view.page.get_by_role("button", name="Unpin")).to_be_focused()


def test_draft_continues_on_another_device(window, alice, bobs, carols):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    computer.page.evaluate(WAIT_FOR_MEMBERSHIP_EVENT)
    computer.box.press_sequentially("Half a sentence ")

    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    computer.wait_until(lambda: computer.page.evaluate("isMembershipReceived"))
    expect(computer.box).to_have_value("Half a sentence ")
    phone.row("Bob").get_by_role("link").click()
    expect(phone.box).to_have_value("Half a sentence")
    phone.say("Half a sentence is enough")
    expect(computer.box).to_have_value("")
    expect(computer.message("is enough")).to_be_visible()


def test_draft_stays_in_the_list_when_a_message_arrives(window, alice, bob, bobs):
    computer, phone = window(alice, path=f"/chats/{bobs}"), window(alice, device=1)
    computer.box.fill("Half a sentence")
    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    phone.page.evaluate(WAIT_FOR_MEMBERSHIP_EVENT)
    bob.say(bobs, "Are you there?")

    phone.wait_until(lambda: phone.page.evaluate("isMembershipReceived"))
    expect(phone.link("Draft: Half a sentence")).to_be_visible()
    expect(computer.box).to_have_value("Half a sentence")


def test_too_long_draft_is_kept_unshortened(window, alice, bobs, carols):
    view = window(alice, path=f"/chats/{bobs}")
    view.box.fill(TOO_LONG)
    view.row("Carol").get_by_role("link").click()
    view.expect_path(f"/chats/{carols}")

    view.row("Bob").get_by_role("link").click()
    expect(view.box).to_have_value(TOO_LONG)
    view.page.reload()
    expect(view.box).to_have_value(TOO_LONG)


def test_blocked_user_does_not_reach_the_blocker_and_is_not_told(window, alice, bob, bobs):
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
