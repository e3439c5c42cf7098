"""What is done to a message that is there already, and who sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def chat(alice, bob) -> str:
    chat = alice.start_chat(bob)
    alice.say(chat, "See you at sevn", "Bring bread")
    return chat


@pytest.fixture
def hers(window, alice, chat):
    return window(alice, path=f"/chats/{chat}")


@pytest.fixture
def his(window, bob, chat):
    return window(bob, path=f"/chats/{chat}")


def test_a_slip_is_mended_before_everybodys_eyes(hers, his):
    hers.choose("See you at sevn", "Edit")
    expect(hers.box).to_have_value("See you at sevn")
    hers.say("See you at seven")

    expect(hers.box).to_have_value("")
    for view in (hers, his):
        view.shows("See you at seven", "Bring bread")
        expect(view.message("See you at seven")).to_contain_text("Edited")


def test_a_deleted_message_leaves_only_that_it_was_there(hers, his):
    hers.delete("Bring bread")

    for view in (hers, his):
        view.shows("See you at sevn", "This message was deleted")
        expect(view.row("This message was deleted")).to_be_visible()
        expect(view.page.get_by_text("Bring bread").filter(visible=True)).to_have_count(0)


def test_a_reaction_is_seen_by_both_and_can_be_withdrawn(hers, his):
    his.choose("Bring bread", "👍", role="menuitemcheckbox")
    for view in (hers, his):
        expect(view.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()
    his.press("👍 1")

    for view in (hers, his):
        expect(view.messages.get_by_role("button", name="👍")).to_have_count(0)


def test_a_reaction_is_changed_and_one_sees_who_gave_it(hers, his):
    his.choose("Bring bread", "👍", role="menuitemcheckbox")
    expect(hers.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()
    hers.press("👍 1")
    expect(his.message("Bring bread").get_by_role("button", name="👍 2")).to_be_visible()
    his.press("👍 2")
    his.choose("Bring bread", "More emoji")
    his.page.get_by_role("combobox", name="Search").fill("baguette")
    his.page.get_by_role("option", name="baguette").click()

    expect(hers.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()
    expect(hers.message("Bring bread").get_by_role("button", name="🥖 1")).to_be_visible()
    hers.choose("Bring bread", "Info")
    dialog = hers.page.get_by_role("dialog", name="Message info")
    expect(dialog.get_by_role("region", name="👍")).to_contain_text("Alice")
    expect(dialog.get_by_role("region", name="🥖")).to_contain_text("Bob")


def test_a_menu_opens_although_its_message_is_drawn_anew_meanwhile(hers, his):
    release = his.hold("**/menu")
    his.message("Bring bread").hover()
    his.press("More")
    hers.choose("Bring bread", "👍", role="menuitemcheckbox")
    expect(his.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()

    release()
    his.page.get_by_role("menuitem", name="More emoji").click()
    his.page.get_by_role("combobox", name="Search").fill("baguette")
    his.page.get_by_role("option", name="baguette").click()

    expect(hers.message("Bring bread").get_by_role("button", name="🥖 1")).to_be_visible()


def test_the_info_follows_a_message_on_its_way(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    alice.say(group, "Who is coming?")
    hers = window(alice, path=f"/chats/{group}")
    hers.choose("Who is coming?", "Info")
    dialog = hers.page.get_by_role("dialog", name="Message info")
    waiting = dialog.get_by_role("region", name="Not yet delivered")
    for name in ("Bob", "Carol"):
        expect(waiting).to_contain_text(name)
    window(bob)
    window(carol, path=f"/chats/{group}")

    expect(dialog.get_by_role("region", name="Delivered", exact=True)).to_contain_text("Bob")
    hers.page.get_by_role("button", name="Back").or_(
        hers.page.get_by_role("link", name="Back")
    ).last.click()
    hers.choose("Who is coming?", "Info")
    expect(dialog.get_by_role("region", name="Read")).to_contain_text("Carol")


def test_what_others_said_cannot_be_changed(his):
    his.message("Bring bread").hover()
    his.press("More")

    expect(his.page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    for act in ("Edit", "Delete for everyone"):
        expect(his.page.get_by_role("menuitem", name=act)).to_have_count(0)
