"""Everything can be used by keyboard, and the focus is always visible."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

MOST_STOPS = 40
HAS_VISIBLE_FOCUS = """() => {
  const element = document.activeElement;
  const marked = element.closest(".pick") ?? element;
  const look = () => {
    const style = getComputedStyle(marked);
    style.borderColor; // starts its transition
    for (const transition of document.getAnimations()) transition.finish();
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor, style.translate].join();
  };
  const focused = look();
  element.blur();
  const blurred = look();
  element.focus({ focusVisible: true });
  return element !== document.body && focused !== blurred;
}"""


def assert_focus_is_visible(view):
    assert view.page.evaluate(HAS_VISIBLE_FOCUS), view.page.evaluate(
        "document.activeElement.outerHTML.slice(0, 200)"
    )


def tab_to(view, target, *, key="Tab"):
    """Press the key until the target has the focus, which must be visible at every stop."""
    for _ in range(MOST_STOPS):
        view.page.keyboard.press(key)
        assert_focus_is_visible(view)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("it cannot be reached")


def test_user_logs_in_and_sends_a_message_by_keyboard(window, alice, bob):
    alice.start_chat(bob)
    view = window(path="/login")
    keys = view.page.keyboard
    expect(view.page.get_by_role("textbox", name="Username or email")).to_be_focused()
    assert_focus_is_visible(view)
    keys.type(alice.username)
    tab_to(view, view.page.get_by_role("textbox", name="Password"))
    keys.type(PASSWORD)
    keys.press("Enter")
    view.expect_path("/")
    tab_to(view, view.row("Bob").get_by_role("link"))
    keys.press("Enter")

    expect(view.box).to_be_focused()
    keys.type("Look, no hands")
    keys.press("Enter")
    view.expect_status("Look, no hands", "Sent")
    expect(view.box).to_be_focused()
    tab_to(view, view.log, key="Shift+Tab")
    tab_to(view, view.page.get_by_role("link", name="Skip to content"), key="Shift+Tab")
    keys.press("Enter")
    tab_to(view, view.box)


def test_user_finds_a_chat_and_replies_by_keyboard(window, alice, bob, carol):
    alice.start_chat(carol)
    alice.say(alice.start_chat(bob), "Tea?", "Or coffee?")
    view = window(alice)
    keys = view.page.keyboard
    keys.press("Control+k")
    expect(view.page.get_by_role("textbox", name="Search")).to_be_focused()
    keys.type("bo")
    keys.press("ArrowDown")
    expect(view.row("Bob").get_by_role("link")).to_be_focused()
    keys.press("Enter")
    expect(view.box).to_be_focused()
    keys.press("Alt+ArrowUp")
    keys.press("Alt+ArrowUp")
    keys.type("No, thanks")
    keys.press("Enter")

    expect(view.message("No, thanks").get_by_role("link")).to_contain_text("Tea?")


def test_user_starts_a_chat_by_keyboard(window, alice, bob):
    view = window(alice)
    keys = view.page.keyboard
    tab_to(view, view.page.get_by_role("complementary").get_by_role("link", name="New chat"))
    keys.press("Enter")
    expect(view.page.get_by_role("textbox", name="Name or username")).to_be_focused()
    keys.type(bob.username)
    found = view.page.get_by_role("main").get_by_role("button", name=bob.username)
    expect(found).to_be_visible()
    tab_to(view, found)
    keys.press("Enter")

    expect(view.box).to_be_focused()
    expect(view.page.get_by_role("heading", name="Bob")).to_be_visible()
