"""Editing, deleting, quoting and reacting, and the message info dialog."""

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


def test_edited_message_is_updated_for_both(hers, his):
    hers.choose("See you at sevn", "Edit")
    expect(hers.box).to_have_value("See you at sevn")
    hers.say("See you at seven")

    expect(hers.box).to_have_value("")
    for view in (hers, his):
        view.expect_messages("See you at seven", "Bring bread")
        expect(view.message("See you at seven")).to_contain_text("Edited")


def test_deleted_message_becomes_a_tombstone_for_both(hers, his):
    hers.delete("Bring bread")

    for view, words in ((hers, "You deleted this message"), (his, "This message was deleted")):
        view.expect_messages("See you at sevn", words)
        expect(view.row(words)).to_be_visible()
        expect(view.page.get_by_text("Bring bread").filter(visible=True)).to_have_count(0)


def test_quote_is_updated_with_its_original(hers, his):
    his.message("Bring bread").hover()
    his.press("Reply")
    his.say("Which?")
    quote = his.message("Which?").get_by_role("link")
    choose_from_menu(hers.messages.nth(1), "Edit")
    hers.say("Bring rolls, " + "please " * 40)

    expect(quote).to_contain_text("Bring rolls")
    quoted = quote.text_content()
    his.page.reload()
    expect(quote).to_be_visible()
    assert quote.text_content() == quoted
    choose_from_menu(hers.messages.nth(1), "Delete for everyone")
    hers.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(quote).to_contain_text("This message was deleted")


def choose_from_menu(message, name):
    message.hover()
    message.get_by_role("button", name="More", exact=True).click()
    message.page.get_by_role("menuitem", name=name).click()


def test_reaction_is_shown_to_both_and_can_be_removed(hers, his):
    his.choose("Bring bread", "👍", role="menuitemcheckbox")
    for view in (hers, his):
        expect(view.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()
    his.press("👍 1")

    for view in (hers, his):
        expect(view.messages.get_by_role("button", name="👍")).to_have_count(0)


def test_reaction_can_be_changed_and_info_names_its_users(hers, his):
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
    expect(dialog.get_by_role("region", name="👍")).to_contain_text("You")
    expect(dialog.get_by_role("region", name="🥖")).to_contain_text("Bob")


def test_menu_works_although_its_message_was_replaced_meanwhile(hers, his):
    release = his.delay_requests("**/menu")
    his.message("Bring bread").hover()
    his.press("More")
    hers.choose("Bring bread", "👍", role="menuitemcheckbox")
    expect(his.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()

    release()
    his.page.get_by_role("menuitem", name="More emoji").click()
    his.page.get_by_role("combobox", name="Search").fill("baguette")
    his.page.get_by_role("option", name="baguette").click()

    expect(hers.message("Bring bread").get_by_role("button", name="🥖 1")).to_be_visible()


def test_info_shows_delivery_and_reading_live(window, alice, bob, carol):
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
    dialog.get_by_role("button", name="Close").click()
    hers.choose("Who is coming?", "Info")
    expect(dialog.get_by_role("region", name="Read")).to_contain_text("Carol")


@pytest.fixture
def info(window, alice, bob, carol):
    """alice's window, the open info dialog and the group; the window is too low for the dialog."""
    group = alice.start_group("Garden", bob, carol)
    alice.say(group, "Who is coming?")
    hers = window(alice, path=f"/chats/{group}", viewport={"width": 900, "height": 280})
    hers.choose("Who is coming?", "Info")
    dialog = hers.page.get_by_role("dialog", name="Message info")
    expect(dialog).to_contain_text("Carol")
    return hers, dialog, group


def test_updated_info_keeps_scroll_position_and_focus(window, bob, carol, info):
    _hers, dialog, _group = info
    scrolled = dialog.get_by_role("region", name="Message info")
    scrolled.evaluate("region => (region.focus(), region.scrollTo(0, region.scrollHeight))")
    top = scrolled.evaluate("region => region.scrollTop")
    assert top > 0
    window(bob)
    window(carol)

    expect(dialog.get_by_role("region", name="Delivered", exact=True)).to_contain_text("Bob")
    assert scrolled.evaluate("region => region.scrollTop") >= top
    expect(scrolled).to_be_focused()


def test_closed_info_is_not_reopened_by_a_late_response(bob, info):
    hers, dialog, group = info
    release = hers.delay_requests("**/info")
    asked = []
    hers.page.on("request", lambda request: asked.append(request.url.endswith("/info")))
    bob.say(group, "I am")
    hers.wait_until(lambda: any(asked))
    hers.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    with hers.page.expect_response("**/info"):
        release()
    hers.wait_for_animations()
    expect(dialog).to_be_hidden()


def test_error_is_shown_in_the_dialog_and_then_on_the_page(hers, browser_errors):
    browser_errors.expect("ERR_FAILED")
    hers.choose("Bring bread", "Delete for everyone")
    dialog = hers.page.get_by_role("dialog")
    hers.page.route("**/delete", lambda route: route.abort())
    dialog.get_by_role("button", name="Delete").click()

    expect(dialog.get_by_text("Something went wrong.")).to_be_visible()
    hers.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(hers.page.get_by_text("Something went wrong.")).to_be_visible()


def test_messages_of_others_cannot_be_edited_or_deleted(his):
    his.message("Bring bread").hover()
    his.press("More")

    expect(his.page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    for act in ("Edit", "Delete for everyone"):
        expect(his.page.get_by_role("menuitem", name=act)).to_have_count(0)


def test_button_beside_a_message_offers_only_reactions(window, alice, bob):
    chat = alice.start_chat(bob)
    bob.say(chat, "Bring bread")
    view = window(alice, path=f"/chats/{chat}")
    view.message("Bring bread").hover()
    view.message("Bring bread").get_by_role("button", name="React").click()
    reactions = view.page.get_by_role("menuitemcheckbox")
    expect(reactions.first).to_be_focused()
    expect(view.page.get_by_role("menuitem", name="Reply")).to_have_count(0)
    view.page.keyboard.press("ArrowRight")
    expect(reactions.nth(1)).to_be_focused()
    reactions.first.click()

    expect(view.message("Bring bread").get_by_role("button", name="👍 1")).to_be_visible()


def test_buttons_of_a_message_are_visible_in_a_narrow_window(window, alice, bob):
    chat = alice.start_chat(bob)
    bob.say(chat, "A message as wide as the window allows, on more than one line. " * 3)
    view = window(alice, path=f"/chats/{chat}", viewport={"width": 390, "height": 844})

    view.message("A message").hover()

    for name in ("React", "Reply", "More"):
        expect(
            view.message("A message").get_by_role("button", name=name, exact=True)
        ).to_be_in_viewport(ratio=1)
