"""A narrow screen shows one pane at a time and never scrolls horizontally."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.windows import PHONE, touch

pytestmark = pytest.mark.journey

WIDTHS = (390, 320)
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
LONG_NAME = "Chiamaka Okonkwo-Featherstonehaugh de la Vega y Montenegro"
WIDTH = "document.documentElement.clientWidth"
HORIZONTALLY_SCROLLABLE = """() => [...document.querySelectorAll("*")]
  .filter((element) => element === document.scrollingElement || /auto|scroll/.test(getComputedStyle(element).overflowX))
  .filter((element) => element.scrollWidth > element.clientWidth)
  .map((element) => element.outerHTML.slice(0, 80))"""
OUTSIDE_THE_VIEWPORT = """() => [...document.querySelectorAll("body *")]
  .filter((element) => element.checkVisibility() && !element.closest("svg, .visually-hidden, .skip-link"))
  .filter((element) => {
    while ((element = element.parentElement)) if (getComputedStyle(element).textOverflow === "ellipsis") return false;
    return true;
  })
  .filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width && (left < -1 || right > document.documentElement.clientWidth + 1);
  })
  .map((element) => element.outerHTML.slice(0, 80))"""


def test_phone_shows_the_list_or_the_chat(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello")
    view = window(alice, **PHONE)
    expect(view.page.get_by_role("main")).to_be_hidden()
    touch(view.row("Bob").get_by_role("link"))

    expect(view.message("Hello")).to_be_in_viewport()
    expect(view.rows).to_be_hidden()
    touch(view.box)
    view.page.keyboard.type("One")
    view.page.keyboard.press("Enter")
    view.page.keyboard.type("two")
    touch(view.page.get_by_role("button", name="Send"))
    expect(view.message("One")).to_contain_text("One\ntwo")
    touch(view.page.get_by_role("link", name="Back"))
    expect(view.row("Bob")).to_be_visible()
    expect(view.log).to_be_hidden()
    view.page.go_forward()
    expect(view.message("Hello")).to_be_in_viewport()


def test_back_link_of_a_chat_goes_back_in_the_history(window, alice, bob):
    bob.say(bob.start_chat(alice), "Hello")
    view = window(alice, path="/settings", **PHONE)
    touch(view.page.get_by_role("link", name="Back"))
    touch(view.row("Bob").get_by_role("link"))
    expect(view.message("Hello")).to_be_in_viewport()
    touch(view.page.get_by_role("link", name="Back"))
    expect(view.row("Bob")).to_be_visible()
    view.page.go_back()

    view.expect_path("/settings")


def test_empty_list_links_to_starting_a_chat(window, alice):
    view = window(alice, **PHONE)
    touch(view.page.get_by_role("link", name="Start a chat"))

    expect(view.page.get_by_role("textbox", name="Name or username")).to_be_visible()


def test_no_page_scrolls_horizontally(window, alice, bob, carol, browser_errors):
    browser_errors.expect("404")
    bob.set_display_name(LONG_NAME)
    group = alice.start_group(LONG_WORD[:100], bob, carol)
    chat = alice.start_chat(bob)
    for conversation in (group, chat):
        bob.say(conversation, LONG_WORD, f"https://example.org/{LONG_WORD}", "🎉" * 12, "Short")
    stranger, view = window(), window(alice)

    for path in ("/login", "/register", "/nowhere"):
        assert_fits_the_viewport(stranger, path)
    for path in (
        *("/", f"/chats/{group}", f"/chats/{chat}", f"/chats/{group}/info", f"/chats/{chat}/info"),
        *("/chats/new?search=bob_", "/chats/new/group?search=bob_", "/people?search=bob_"),
        "/settings",
    ):
        assert_fits_the_viewport(view, path)


def assert_fits_the_viewport(view, path):
    view.go(path)
    for disclosure in view.page.locator("main summary").all():
        disclosure.press("Enter")
    for width in WIDTHS:
        view.page.set_viewport_size({"width": width, "height": 844})
        view.wait_until(lambda width=width: view.page.evaluate(WIDTH) == width)
        view.wait_for_animations()  # a pane that slides in is outside the viewport at first
        assert view.page.evaluate(HORIZONTALLY_SCROLLABLE) == [], f"{path} at {width} px"
        assert view.page.evaluate(OUTSIDE_THE_VIEWPORT) == [], f"{path} at {width} px"
