"""Login, reading, sending and starting conversations work without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

PLAIN = {"java_script_enabled": False}
OPENING = 30
LINES = OPENING + 20


def test_user_logs_in_and_sends_without_javascript(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Hello Alice")
    view = window(path=f"/chats/{chat}", **PLAIN)
    view.expect_path(rf"/login\?next=/chats/{chat}")
    view.fill(Username_or_email=alice.username.upper(), Password=PASSWORD)
    view.press("Log in")
    view.expect_path(f"/chats/{chat}")
    view.box.fill("Hello Bob")
    view.press("Send")

    view.expect_path(f"/chats/{chat}")
    view.expect_messages("Hello Alice", "Hello Bob")
    view.expect_status("Hello Bob", "Sent")
    view.log_out()
    view.expect_path("/login")


def test_user_starts_a_chat_without_javascript(window, alice, bob):
    view = window(alice, **PLAIN)
    view.page.get_by_role("complementary").get_by_role("link", name="New chat").click()
    view.fill(Name_or_username=bob.username)
    view.page.keyboard.press("Enter")
    view.page.get_by_role("button", name=bob.username).click()
    view.box.fill("Hello Bob")
    view.press("Send")

    view.expect_messages("Hello Bob")
    expect(view.row("Bob")).to_contain_text("Hello Bob")


def test_user_starts_a_group_without_javascript(window, alice, bob, carol):
    view = window(alice, **PLAIN)
    view.follow("New group")
    view.fill(Group_name="Garden")
    for person in (bob, carol):
        view.fill(Find_people=person.username)
        view.press("Find")
        view.page.get_by_role("checkbox", name=person.username).check()
    view.press("Create group")

    view.expect_messages("Alice created")
    expect(view.page.get_by_role("heading", name="Garden")).to_be_visible()
    expect(view.page.get_by_text("3 members")).to_be_visible()


def test_history_is_paged_without_javascript(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, *(f"Line {number}." for number in range(1, LINES + 1)))
    view = window(alice, path=f"/chats/{chat}", **PLAIN)
    expect(view.messages).to_have_count(OPENING)
    view.follow("Earlier")
    view.expect_messages("Line 1.")
    view.follow("Later")

    expect(view.messages).to_have_count(OPENING)
    expect(view.messages.last).to_contain_text(f"Line {LINES}.")


def test_refused_message_is_explained_without_javascript(window, alice, bob, browser_errors):
    browser_errors.expect("400")
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}", **PLAIN)
    view.box.fill("x" * 4097)
    view.press("Send")

    expect(view.page.get_by_text("4096")).to_be_visible()
    view.page.go_back()
    expect(view.box).to_be_visible()
