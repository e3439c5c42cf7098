"""The conversation list: search, order, unread counts and keyboard navigation."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

ROWS = 30
OLDEST = "Group 00"


@pytest.fixture
def groups(alice, bob, carol) -> list[str]:
    """More groups than the first page of the list shows."""
    return [alice.start_group(f"Group {number:02}", bob, carol) for number in range(ROWS + 5)]


@pytest.fixture
def hers(window, alice, groups):
    view = window(alice)
    expect(view.rows).to_have_count(ROWS + 1)  # and the link to older chats
    expect(view.row(OLDEST)).to_have_count(0)
    return view


def test_chat_beyond_the_first_page_is_found_by_its_title(hers):
    hers.fill(Search=OLDEST)

    expect(hers.row(OLDEST)).to_be_visible()
    expect(hers.rows).to_have_count(1)
    hers.page.keyboard.press("Enter")
    expect(hers.page.get_by_role("heading", name=OLDEST)).to_be_visible()


def test_hidden_text_of_a_row_is_not_searched(hers):
    hers.fill(Search="raf")  # as in “Draft”

    expect(hers.page.get_by_role("button", name="Search messages for “raf”")).to_be_visible()
    expect(hers.rows).to_have_count(0)


def test_new_chat_that_does_not_match_the_search_is_hidden(hers, alice, bob):
    hers.fill(Search="Group 34")
    expect(hers.rows).to_have_count(1)
    bob.say(bob.start_chat(alice), "Good morning")

    expect(hers.page.get_by_text("Good morning")).to_be_attached()
    expect(hers.rows).to_have_count(1)


def test_row_added_for_the_open_chat_is_not_repeated_by_its_page(hers, groups):
    hers.go(f"/chats/{groups[0]}")
    expect(hers.row(OLDEST)).to_have_count(1)
    hers.link("Older chats").scroll_into_view_if_needed()

    expect(hers.rows.last).to_contain_text(OLDEST)
    expect(hers.rows).to_have_count(ROWS + 5)


def test_title_counts_unread_chats_beyond_the_first_page(window, bob, alice, groups):
    view = window(bob)

    expect(view.page).to_have_title(re.compile(rf"^\({ROWS + 5}\) "))


def test_chat_without_a_row_that_is_read_elsewhere_is_no_longer_counted(window, alice, bob, groups):
    view = window(bob)
    expect(view.page).to_have_title(re.compile(rf"^\({ROWS + 5}\) "))

    bob.read_all(groups[0])

    expect(view.page).to_have_title(re.compile(rf"^\({ROWS + 4}\) "))


def test_rows_are_one_tab_stop_with_arrow_keys(window, alice, bob, carol, dave):
    for other in (bob, carol, dave):
        alice.start_chat(other)
    view = window(alice)
    keys = view.page.keyboard
    links = [view.row(name).get_by_role("link") for name in ("Dave", "Carol", "Bob")]
    view.page.get_by_role("textbox", name="Search").focus()

    keys.press("Tab")
    expect(links[0]).to_be_focused()
    keys.press("ArrowDown")
    expect(links[1]).to_be_focused()
    keys.press("End")
    expect(links[2]).to_be_focused()
    keys.press("Home")
    keys.press("ArrowDown")
    keys.press("Tab")
    expect(view.link("Alice Settings")).to_be_focused()
    keys.press("Shift+Tab")
    expect(links[1]).to_be_focused()  # the row that had the focus before


def test_open_chat_is_the_tab_stop_of_the_list(window, alice, bob, carol):
    chat = alice.start_chat(bob)
    alice.start_chat(carol)
    view = window(alice, path=f"/chats/{chat}")
    view.page.get_by_role("textbox", name="Search").focus()
    view.page.keyboard.press("Tab")

    expect(view.row("Bob").get_by_role("link")).to_be_focused()


def test_row_that_arrived_live_opens_without_a_reload(window, alice, bob):
    view = window(alice)
    view.page.evaluate("window.isSamePage = true")
    bob.say(bob.start_chat(alice), "Hello")
    view.row("Bob").get_by_role("link").click()

    expect(view.message("Hello")).to_be_visible()
    assert view.page.evaluate("window.isSamePage")


def test_click_opens_its_row_although_the_list_changes_meanwhile(window, alice, bob, carol):
    with_bob, with_carol = bob.start_chat(alice), carol.start_chat(alice)
    bob.say(with_bob, "Hello")
    carol.say(with_carol, "Hello")
    view = window(alice)
    view.row("Bob").get_by_role("link").hover()
    view.page.mouse.down()

    bob.say(with_bob, "Are you there?")
    alice.change_settings(with_bob, pinned=True)  # the row is fetched again
    expect(view.row("Bob")).to_contain_text("Are you there?")
    expect(view.rows.filter(visible=True).first).to_contain_text("Carol")
    view.page.mouse.up()

    expect(view.message("Are you there?")).to_be_visible()
    expect(view.rows.filter(visible=True).first).to_contain_text("Bob")


def test_open_archived_chat_has_a_visible_row(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.change_settings(chat, archived=True)
    view = window(alice, path=f"/chats/{chat}")

    expect(view.row("Bob").get_by_role("link")).to_be_visible()
    expect(view.row("Bob").get_by_role("link")).to_have_attribute("aria-current", "page")


def test_live_preview_is_shortened_like_that_of_the_server(window, alice, bob):
    chat = bob.start_chat(alice)
    view = window(alice)
    bob.say(chat, f"{'x' * 118}😀 and more than a row has room for")
    preview = view.row("Bob").locator(".row__preview")
    expect(preview).to_contain_text("xxx")
    live = preview.text_content()
    view.page.reload()

    assert live == preview.text_content() == f"{'x' * 118}😀…"


def test_pending_message_is_shown_in_the_row(window, alice, bob, browser_errors):
    browser_errors.expect("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}")
    view.page.context.set_offline(True)
    view.say("On my way")

    expect(view.row("Bob")).to_contain_text("On my way")
    expect(view.row("Bob").get_by_text("Sending…")).to_be_attached()
    view.page.context.set_offline(False)
    expect(view.row("Bob").get_by_text("Sent", exact=True)).to_be_attached()


def test_new_display_name_is_shown_everywhere_without_a_reload(window, alice, bob, carol):
    direct, group = bob.start_chat(alice), alice.start_group("Garden", bob, carol)
    bob.say(direct, "Hello Alice")
    bob.say(group, "Hello everybody")
    hers, others = window(alice, path=f"/chats/{direct}"), window(carol, path=f"/chats/{group}")
    expect(hers.message("Hello Alice")).to_be_visible()
    expect(others.message("Hello everybody")).to_be_visible()

    bob.set_display_name("Robert")

    expect(hers.row("Hello Alice")).to_contain_text("Robert")
    expect(hers.page.get_by_role("heading", name="Robert")).to_be_visible()
    expect(hers.page).to_have_title("(1) Robert · ChatFlow")
    expect(hers.link("Robert: Hello everybody")).to_be_visible()
    expect(others.message("Hello everybody")).to_contain_text("Robert")
    expect(others.page.get_by_text("Bob", exact=True)).to_have_count(0)
