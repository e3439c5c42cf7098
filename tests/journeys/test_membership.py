"""Membership as pages show it: new chats, system messages, removal and blocks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

MANY = 8
COLOUR = "element => getComputedStyle(element.querySelector('.message__author')).color"


def test_direct_chat_is_listed_for_the_other_person_from_its_first_message(window, alice, bob):
    hers, his = window(alice), window(bob)
    hers.fill(Search=bob.username)
    hers.press(f"Bob @{bob.username}")
    expect(hers.box).to_be_visible()
    expect(hers.row("Bob")).to_be_visible()
    his.page.reload()
    expect(his.page.get_by_text("No chats yet")).to_be_visible()
    expect(his.rows).to_have_count(0)

    hers.say("Hello Bob")

    his.expect_unread("Alice", 1)
    expect(his.row("Alice")).to_contain_text("Hello Bob")


def test_own_actions_in_a_group_are_not_unread(window, alice, bob, carol, dave):
    view, phone = window(alice), window(alice, device=1)
    group = alice.start_group("Garden", bob, carol)
    alice.add(group, dave)
    alice.rename(group, "Orchard")
    alice.remove(group, dave)

    for device in (view, phone):
        expect(device.row("Orchard")).to_contain_text("You removed Dave")
        device.expect_nothing_unread()
        expect(device.page).not_to_have_title(re.compile(r"^\("))
    view.row("Orchard").get_by_role("link").click()
    view.expect_messages(
        "You created the group", "You added Dave", "You renamed", "You removed Dave"
    )
    expect(view.page.get_by_text("New messages")).to_have_count(0)


def test_removed_member_is_told_by_whom_and_keeps_the_open_page(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect("404")
    group = alice.start_group("Garden", bob, carol)
    alice.say(group, "Who has time on Saturday?")
    his = window(bob, path=f"/chats/{group}")
    his.box.fill("I have, and")
    alice.remove(group, bob)

    expect(his.page.get_by_text("You were removed by Alice.")).to_be_visible()
    expect(his.message("Who has time on Saturday?")).to_be_visible()
    expect(his.box).to_have_value("I have, and")
    expect(his.box).not_to_be_editable()
    expect(his.page.get_by_role("button", name="Send")).to_have_count(0)
    expect(his.row("Garden")).to_have_count(0)
    his.page.wait_for_timeout(1000)  # the page does not redirect later either
    his.expect_path(f"/chats/{group}")


def test_member_removed_while_offline_is_told_after_reconnecting(
    window, alice, bob, carol, browser_errors
):
    browser_errors.expect("404", "ERR_INTERNET_DISCONNECTED", "WebSocket connection to")
    group = alice.start_group("Garden", bob, carol)
    alice.say(group, "Who has time on Saturday?")
    his = window(bob, path=f"/chats/{group}")
    expect(his.message("Who has time")).to_be_visible()
    his.page.context.set_offline(True)
    expect(his.banner).to_contain_text("offline")
    alice.remove(group, bob)
    his.page.context.set_offline(False)

    expect(his.page.get_by_text("You are no longer a member of this group.")).to_be_visible(
        timeout=40_000
    )
    expect(his.message("Who has time on Saturday?")).to_be_visible()


def test_block_notice_replaces_the_composer_for_the_blocker(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello")
    view = window(alice, path=f"/chats/{chat}/info")
    view.page.get_by_text("Block Bob").click()
    view.press("Block")
    expect(view.page.get_by_role("button", name="Unblock")).to_be_visible()
    view.follow("Back")
    expect(view.log).to_be_visible()  # the Info page says it too, and has the same button

    expect(view.page.get_by_text("You blocked Bob.")).to_be_visible()
    expect(view.box).to_have_count(0)
    view.press("Unblock")
    expect(view.box).to_be_visible()
    view.expect_path(f"/chats/{chat}")


def test_names_of_many_added_members_are_collapsed(window, alice, bob, carol, more_users):
    people = [other for users in more_users(2) for other in users.values()][:MANY]
    group = alice.start_group("Garden", bob, carol)
    hers, his = window(alice, path=f"/chats/{group}"), window(bob, path=f"/chats/{group}")
    alice.add(group, *people)

    expect(hers.messages.last).to_contain_text(f"You added {MANY} people")
    expect(hers.row("Garden")).to_contain_text(f"You added {MANY} people")
    line = his.messages.last
    expect(line.get_by_text("Dave")).to_be_hidden()
    line.get_by_text(f"Alice added {MANY} people").click()
    expect(line.get_by_text("Dave").first).to_be_visible()


def test_first_eight_members_of_a_group_have_different_colours(
    window, alice, bob, carol, dave, more_users
):
    [four] = more_users(1)
    others = [bob, carol, dave, *four.values()]
    group = alice.start_group("Garden", *others)
    for number, person in enumerate(others):
        person.say(group, f"Hello from {number}")
    view = window(alice, path=f"/chats/{group}")

    expect(view.messages).to_have_count(len(others) + 1)
    colours = {view.message(f"from {number}").evaluate(COLOUR) for number in range(len(others))}
    assert len(colours) == len(others) == 7


def test_tombstone_tells_the_sender_that_they_deleted_the_message(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, "Oops")
    hers, his = window(alice, path=f"/chats/{chat}"), window(bob, path=f"/chats/{chat}")
    hers.delete("Oops")

    expect(hers.messages.last).to_contain_text("You deleted this message")
    expect(hers.row("Bob")).to_contain_text("You deleted this message")
    expect(his.messages.last).to_contain_text("This message was deleted")
    expect(his.row("Alice")).to_contain_text("This message was deleted")
    hers.page.reload()
    expect(hers.messages.last).to_contain_text("You deleted this message")
    expect(hers.row("Bob")).to_contain_text("You deleted this message")


def test_names_in_the_other_writing_direction_are_isolated(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    bob.set_display_name("דוד לוי")
    view = window(alice, path=f"/chats/{group}")
    alice.remove(group, bob)
    expect(view.messages.last).to_contain_text("You removed דוד לוי")
    expect(view.messages.last.locator("bdi")).to_have_text("דוד לוי")
    expect(view.row("Garden")).to_contain_text("You removed \u2068דוד לוי\u2069")
    view.page.reload()

    expect(view.messages.last.locator("bdi")).to_have_text("דוד לוי")
    direct = alice.start_chat(bob)
    view.go(f"/chats/{direct}")
    expect(view.page).to_have_title("\u2068דוד לוי\u2069 · ChatFlow")
