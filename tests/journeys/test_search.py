"""Search for messages, and links from the results to the chat."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.journeys.windows import PHONE, touch

pytestmark = pytest.mark.journey

LINES = 120


@pytest.fixture
def chat(alice, bob) -> str:
    """A long chat in which bob mentions a ladder in the tenth message."""
    chat = bob.start_chat(alice)
    bob.say(chat, *(f"Line {number}." for number in range(1, 10)))
    bob.say(chat, "The <b>Ladder</b> is in the shed")
    bob.say(chat, *(f"Line {number}." for number in range(11, LINES + 1)))
    alice.read_all(chat)
    return chat


def results(view):
    return view.page.get_by_role("region", name="Search results")


def search_box(view):
    """Return the search box of the page, not that of the list."""
    return view.page.get_by_role("main").get_by_role("textbox", name="Search")


def hits(view):
    return results(view).get_by_role("link")


def test_result_links_to_the_message_with_its_neighbours(window, alice, chat):
    view = window(alice, path="/search")
    search_box(view).fill("lad")

    expect(hits(view)).to_have_count(1)
    expect(hits(view)).to_contain_text("The <b>Ladder</b> is in the shed")
    expect(hits(view).locator("mark")).to_have_text("Lad")
    hits(view).click()
    view.expect_path(rf"/chats/{chat}\?around=10")
    expect(view.message("Ladder")).to_be_in_viewport()
    expect(view.message("Line 9.")).to_be_visible()
    expect(view.message("Line 11.")).to_be_visible()
    view.page.go_back()
    view.expect_path(r"/search\?q=lad")
    expect(search_box(view)).to_have_value("lad")
    expect(hits(view)).to_have_count(1)


def test_late_search_response_does_not_replace_the_page_opened_meanwhile(
    window, alice, carol, chat
):
    alice.start_chat(carol)
    view = window(alice, path="/search")
    release = view.delay_requests("**/search?q=lad*")
    with view.page.expect_request("**/search?q=lad*"):
        search_box(view).fill("lad")
    view.row("Carol").get_by_role("link").click()
    expect(view.page.get_by_role("heading", name="Carol")).to_be_visible()
    release()

    view.page.wait_for_load_state("networkidle")
    expect(view.page.get_by_role("heading", name="Carol")).to_be_visible()
    view.expect_path(r"/chats/[0-9a-f-]+")


def test_scrolling_loads_all_results(window, alice, chat):
    view = window(alice, path="/search?q=line")

    sheet = view.page.locator(".sheet__scroll")

    def all_results_are_loaded():
        sheet.evaluate("sheet => sheet.scrollTop = sheet.scrollHeight")
        return hits(view).count() == LINES - 1

    view.wait_until(all_results_are_loaded)
    expect(hits(view).last).to_contain_text("Line 1.")


def test_search_in_the_list_continues_in_messages(window, alice, carol, chat):
    alice.start_chat(carol)
    view = window(alice)
    view.fill(Search="ladder")
    expect(view.page.get_by_role("button", name="Search messages for “ladder”")).to_be_visible()
    view.page.keyboard.press("Enter")

    view.expect_path(r"/search\?q=ladder")
    expect(hits(view)).to_contain_text("Ladder")
    expect(view.row("Carol")).to_be_visible()
    expect(search_box(view)).to_be_focused()


def test_enter_opens_the_only_chat_that_matches(window, alice, carol, chat):
    alice.start_chat(carol)
    view = window(alice)
    view.fill(Search="car")
    expect(view.row("Bob")).to_be_hidden()
    view.page.keyboard.press("Enter")

    expect(view.page.get_by_role("heading", name="Carol")).to_be_visible()


def test_search_is_limited_to_a_chat_and_a_sender(window, alice, carol, chat):
    other = carol.start_chat(alice)
    carol.say(other, "I need a ladder")
    view = window(alice, path=f"/chats/{chat}")
    view.page.get_by_label("Chat menu", exact=True).click()
    view.page.get_by_role("link", name="Search in this chat").click()
    view.expect_path(rf"/search\?conversation={chat}")
    expect(search_box(view)).to_be_focused()
    search_box(view).fill("ladder")

    expect(hits(view)).to_have_count(1)
    expect(hits(view)).to_contain_text("Bob")
    view.page.get_by_label("Chat", exact=True).select_option("All chats")
    expect(hits(view)).to_have_count(2)
    view.page.get_by_label("From", exact=True).fill(carol.username)
    view.page.keyboard.press("Enter")
    expect(hits(view)).to_have_count(1)
    expect(hits(view)).to_contain_text("Carol")


def test_empty_results_are_explained(window, alice, chat):
    view = window(alice, path="/search")

    expect(results(view)).to_contain_text("Search all your messages")
    search_box(view).fill("unheard")
    expect(results(view)).to_contain_text("No messages found for “unheard”.")
    search_box(view).fill("?!")
    expect(results(view)).to_contain_text("Enter a word to search for.")
    search_box(view).fill("")
    expect(results(view)).to_contain_text("Search all your messages")


def test_result_opens_on_a_phone(window, alice, chat):
    view = window(alice, **PHONE)
    view.fill(Search="ladder")
    touch(view.page.get_by_role("button", name="Search messages for “ladder”"))
    touch(hits(view))

    expect(view.message("Ladder")).to_be_in_viewport()


def test_search_works_without_javascript(window, alice, chat):
    view = window(alice, java_script_enabled=False)
    view.fill(Search="line")
    view.page.keyboard.press("Enter")
    expect(hits(view)).to_have_count(21)
    view.follow("Older messages")
    expect(hits(view).first).to_contain_text("Line 100.")
    search_box(view).fill("ladder")
    view.press("Find")
    hits(view).click()

    expect(view.message("Ladder")).to_be_visible()


def test_dates_use_the_time_zone_of_the_browser(window, alice, chat):
    kiritimati = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    view = window(alice, path="/", timezone_id="Pacific/Kiritimati")
    view.go(f"/search?q=ladder&since={kiritimati}")
    expect(hits(view)).to_have_count(1)

    view.go(f"/search?q=ladder&since={kiritimati + timedelta(days=1)}")
    expect(results(view)).to_contain_text("No messages found")
    expect(view.page.get_by_text("midnight UTC")).to_have_count(0)
