"""A submitted form keeps the scroll position and moves the focus sensibly."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

SCROLL_TOP = "() => document.querySelector('.sheet__scroll').scrollTop"
TOLERANCE_PX = 130  # a message in a card makes the card one or two lines longer
MARK = "window.isSameDocument = true"
LOW_WINDOW = {"viewport": {"width": 1280, "height": 500}}


@pytest.fixture
def hers(window, alice):
    view = window(alice, path="/settings", **LOW_WINDOW)
    view.page.evaluate(MARK)
    return view


def scrolled_to(view, locator):
    locator.scroll_into_view_if_needed()
    return view.page.evaluate(SCROLL_TOP)


def test_settings_page_keeps_position_and_focus_when_a_form_is_saved(hers):
    theme = hers.page.get_by_role("button", name="Dark")
    receipts = hers.page.get_by_role("checkbox", name="Read receipts")
    is_dark, is_saved = "[aria-pressed=true]:has-text('Dark')", "text=Saved."
    for control, done in ((theme, is_dark), (receipts, is_saved)):
        place = scrolled_to(hers, control)
        control.click()
        expect(hers.page.locator(done)).to_be_visible()
        expect(control).to_be_focused()
        assert abs(hers.page.evaluate(SCROLL_TOP) - place) < TOLERANCE_PX
    assert hers.page.evaluate("isSameDocument")
    hers.expect_path("/settings")


def test_new_display_name_is_shown_in_the_sidebar_without_a_reload(hers):
    hers.fill(Name="Alicia")
    hers.press("Save", within="Profile")

    expect(hers.link("Alicia Settings")).to_be_visible()
    assert hers.page.evaluate("isSameDocument")


def test_wrong_password_field_gets_the_focus_without_scrolling(hers, browser_errors):
    browser_errors.expect("422")
    place = scrolled_to(hers, hers.page.get_by_role("button", name="Change"))
    hers.fill(Current_password="not it", New_password="a fine long sentence")
    hers.press("Change")

    expect(hers.page.get_by_text("Incorrect password.")).to_be_visible()
    expect(hers.page.get_by_label("Current password", exact=True)).to_be_focused()
    assert abs(hers.page.evaluate(SCROLL_TOP) - place) < TOLERANCE_PX
    hers.expect_path("/settings")


def test_focus_moves_to_the_next_login_after_ending_one(hers):
    ends = hers.page.get_by_role("button", name="End session")
    number = ends.count()
    assert number > 0
    ends.first.focus()
    hers.page.keyboard.press("Enter")

    expect(hers.page.get_by_text("Device logged out.")).to_be_visible()
    expect(ends).to_have_count(number - 1)
    focused = hers.page.locator("#logins :focus, #logins:has(:not(button))")
    expect(focused.first).to_be_visible()


def test_form_without_javascript_returns_to_its_card(window, alice):
    view = window(alice, path="/settings", java_script_enabled=False, **LOW_WINDOW)
    view.press("Save", within="Privacy")

    view.expect_path("/settings#privacy")
    expect(
        view.page.get_by_role("region", name="Privacy").get_by_text("Saved.")
    ).to_be_in_viewport()


def test_password_can_be_shown(window):
    view = window(path="/login")
    view.fill(Password=PASSWORD)
    field = view.page.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("type", "password")
    view.press("Show password")
    expect(field).to_have_attribute("type", "text")
    view.press("Show password")

    expect(field).to_have_attribute("type", "password")


def test_removing_a_member_keeps_the_position_and_is_confirmed(window, alice, bob, carol, dave):
    group = alice.start_group("Garden", bob, carol, dave)
    view = window(alice, path=f"/chats/{group}/info", **LOW_WINDOW)
    menu = view.page.get_by_label("Actions for Carol")
    place = scrolled_to(view, menu)
    menu.click()
    view.follow("Remove from group")
    expect(view.page.get_by_role("heading", name="Remove Carol?")).to_be_visible()
    view.follow("Cancel")
    expect(view.page.get_by_role("dialog")).to_be_hidden()
    expect(menu).to_be_visible()
    if not view.page.get_by_role("link", name="Remove from group").is_visible():
        menu.click()
    view.follow("Remove from group")
    view.press("Remove")

    expect(view.page.get_by_text("Carol was removed from the group.")).to_be_visible()
    expect(menu).to_have_count(0)
    expect(view.page.get_by_text("3 members")).to_be_attached()
    expect(view.page.get_by_label("Actions for Dave")).to_be_focused()
    assert abs(view.page.evaluate(SCROLL_TOP) - place) < TOLERANCE_PX


def test_changing_a_role_keeps_position_and_focus(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    view = window(alice, path=f"/chats/{group}/info", **LOW_WINDOW)
    menu = view.page.get_by_label("Actions for Bob")
    menu.click()
    view.wait_for_animations()
    view.page.get_by_role("button", name="Make an admin").hover()  # Playwright may scroll here
    place = view.page.evaluate(SCROLL_TOP)
    view.press("Make an admin")

    expect(view.page.get_by_text("admin", exact=True)).to_be_visible()
    expect(menu).to_be_focused()
    view.wait_until(lambda: abs(view.page.evaluate(SCROLL_TOP) - place) < TOLERANCE_PX)


def test_member_can_be_removed_without_javascript(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    view = window(alice, path=f"/chats/{group}/info", java_script_enabled=False)
    view.page.get_by_label("Actions for Bob").click()
    view.follow("Remove from group")
    view.press("Remove")

    view.expect_path(rf"/chats/{group}/info#members")
    expect(view.page.get_by_text("Bob was removed from the group.")).to_be_visible()


def test_enter_in_the_group_name_submits_the_form(window, alice, bob, carol, browser_errors):
    browser_errors.expect("422")
    view = window(alice)
    view.follow("New group")
    view.fill(Group_name="Garden")
    view.page.keyboard.press("Enter")
    error = view.page.get_by_text("Add at least two people.")
    expect(error).to_be_visible()
    view.fill(Find_people=bob.username)
    view.page.get_by_role("checkbox", name=bob.username).check()
    expect(error).to_have_count(0)
    view.fill(Find_people=carol.username)
    view.page.get_by_role("checkbox", name=carol.username).check()
    view.page.get_by_role("textbox", name="Group name").press("Enter")

    expect(view.page.get_by_role("heading", name="Garden")).to_be_visible()


def test_logging_out_asks_for_confirmation(window, alice):
    view = window(alice)
    view.follow("Log out")
    dialog = view.page.get_by_role("dialog", name="Log out?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    view.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    view.log_out()

    view.expect_path("/login")


def test_expanded_section_scrolls_into_view_with_its_button(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}/info", **LOW_WINDOW)
    view.page.get_by_text("Block Bob").click()

    expect(view.page.get_by_role("button", name="Block", exact=True)).to_be_in_viewport(ratio=1)


def test_entries_of_the_german_chat_menu_fit_on_one_line(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}", locale="de-DE")
    view.page.locator("#chat-menu").click()
    items = view.page.locator("#conversation-menu .menu__item").filter(visible=True)
    expect(items.first).to_be_visible()

    assert max(box["height"] for box in [item.bounding_box() for item in items.all()]) < 50


def test_search_in_the_list_shows_no_duplicates_and_continues_in_messages(
    window, alice, bob, carol
):
    alice.say(alice.start_chat(bob), "Bring bread")
    view = window(alice)
    view.fill(Search=bob.username[:1])
    expect(view.page.get_by_text("Type at least two letters")).to_be_visible()
    view.fill(Search=bob.username)
    expect(view.row("Bob")).to_be_visible()
    with view.page.expect_response(re.compile("/people")):
        view.fill(Search=f"{bob.username} ")
    expect(view.page.get_by_role("button", name=f"Bob @{bob.username}")).to_have_count(0)
    view.fill(Search="bread")
    expect(view.rows.filter(visible=True)).to_have_count(0)
    place = view.page.locator("#list").bounding_box()
    view.page.keyboard.press("Enter")

    view.expect_path(r"/search\?q=bread")
    found = view.page.get_by_role("region", name="Search results").get_by_role("link")
    expect(found).to_have_count(1)
    assert view.page.locator("#list").bounding_box()["y"] == place["y"]
    view.page.get_by_text("Filters").click()
    found.click()
    expect(view.message("Bring bread")).to_be_visible()
    view.page.go_back()
    expect(view.page.get_by_label("From", exact=True)).to_be_visible()


def test_chat_without_javascript_opens_at_the_latest_message(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, *(f"Line {number}." for number in range(25)))
    view = window(alice, path=f"/chats/{chat}", java_script_enabled=False, **LOW_WINDOW)

    expect(view.message("Line 24.")).to_be_in_viewport()
    expect(view.page.get_by_role("button", name="Emoji")).to_be_hidden()
