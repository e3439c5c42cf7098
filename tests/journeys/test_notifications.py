"""System notifications while ChatFlow does not have the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

FAKE_NOTIFICATIONS = """
Document.prototype.hasFocus = () => window.isFocused ?? false;
window.notified = [];
window.Notification = class {
  static permission = localStorage.getItem("allowed") ?? "default";
  static async requestPermission() {
    localStorage.setItem("allowed", (this.permission = window.answer ?? "granted"));
  }
  constructor(title, { body }) {
    if (window.isOnAndroid) throw new TypeError("Illegal constructor.");
    this.words = `${title}: ${body}`;
    window.notified.push(this);
  }
  close() {
    window.notified = window.notified.filter((one) => one !== this);
  }
};
"""


@pytest.fixture
def hers(window, alice):
    """alice's settings page with a fake Notification API."""
    view = window(alice)
    view.page.add_init_script(FAKE_NOTIFICATIONS)
    view.go("/settings")
    return view


def notified(view):
    return view.page.evaluate("notified.map(({ words }) => words)")


def switch(view):
    return view.page.get_by_role("checkbox", name="Notify me on this device")


def test_new_messages_are_notified_unless_muted_or_read(hers, alice, bob, carol):
    group, chat = alice.start_group("Garden", bob, carol), carol.start_chat(alice)
    bob.say(group, "Before she wants to know")
    switch(hers).check()
    expect(switch(hers)).to_be_checked()
    hers.go(f"/chats/{chat}")
    hers.page.get_by_label("Chat menu").click()
    hers.press("Mute always")
    expect(hers.page.get_by_text("Unmute")).to_be_attached()
    carol.say(chat, "Muted")
    expect(hers.message("Muted")).to_be_visible()
    bob.say(group, "The tomatoes are ripe")

    hers.wait_until(lambda: notified(hers) == ["Garden: Bob: The tomatoes are ripe"])
    hers.page.evaluate("isFocused = true; notified[0].onclick()")
    expect(hers.message("The tomatoes are ripe")).to_be_in_viewport()
    hers.wait_until(lambda: notified(hers) == [])


def test_first_message_of_a_new_chat_is_notified(hers, alice, bob):
    switch(hers).check()
    expect(switch(hers)).to_be_checked()
    bob.say(bob.start_chat(alice), "Hello Alice")

    hers.wait_until(lambda: notified(hers)[1:] == ["Bob: Hello Alice"])


def test_enabling_notifications_shows_one_that_confirms_it(hers):
    switch(hers).check()
    expect(switch(hers)).to_be_checked()

    (first,) = notified(hers)
    assert first.startswith(
        "ChatFlow: Shows new messages while ChatFlow is open in another tab or window; nothing"
    )


def test_browser_that_cannot_show_notifications_is_detected_when_enabling(hers):
    hers.page.evaluate("isOnAndroid = true")
    switch(hers).click()

    expect(switch(hers)).to_be_disabled()
    expect(hers.page.get_by_text("cannot show notifications")).to_be_visible()
    hers.page.reload()
    expect(switch(hers)).not_to_be_checked()


def test_no_notifications_without_permission(hers, alice, bob):
    chat = bob.start_chat(alice)
    expect(switch(hers)).not_to_be_checked()
    hers.page.evaluate("answer = 'denied'")
    switch(hers).click()
    expect(switch(hers)).to_be_disabled()
    expect(hers.page.get_by_text("Notifications are blocked.")).to_be_visible()
    bob.say(chat, "Hello")

    hers.expect_unread("Bob", 1)
    assert notified(hers) == []
