"""Users who are removed, leave, log out or delete their account lose access."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey

SECRET = "The key is under the mat"
BROWSER_STORAGE = "JSON.stringify([localStorage, sessionStorage])"


def test_removed_member_is_told_and_sees_no_later_messages(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    hers, his = window(alice, path=f"/chats/{group}/info"), window(bob, path=f"/chats/{group}")
    expect(his.messages).to_have_count(1)
    hers.page.get_by_label("Actions for Bob").click()
    hers.follow("Remove from group")
    hers.press("Remove")

    expect(his.page.get_by_text("You were removed by Alice.")).to_be_visible()
    expect(his.row("Garden")).to_have_count(0)
    expect(hers.page.get_by_text(bob.username)).to_have_count(0)
    hers.follow("Back")
    hers.say(SECRET)
    hers.expect_status(SECRET, "Sent")
    expect(his.page.get_by_text(SECRET)).to_have_count(0)
    his.go("/")
    expect(his.page.get_by_text("No chats yet")).to_be_visible()


def test_leaving_a_group_redirects_to_the_list(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    his, hers = window(bob, path=f"/chats/{group}/info"), window(alice, path=f"/chats/{group}")
    his.page.get_by_text("Leave group").click()
    his.press("Leave")

    his.expect_path("/")
    expect(his.row("Garden")).to_have_count(0)
    expect(hers.messages.last).to_contain_text("Bob left")
    expect(hers.page.get_by_text("2 members")).to_be_visible()


def test_device_logged_out_by_another_device_is_redirected_to_the_login_page(window, alice, bob):
    chat = alice.start_chat(bob)
    lost, kept = window(alice, path=f"/chats/{chat}"), window(alice, device=1, path="/settings")
    expect(lost.box).to_be_visible()
    kept.press("End session")

    expect(kept.page.get_by_text("Device logged out.")).to_be_visible()
    lost.expect_path("/login")
    lost.go(f"/chats/{chat}")
    lost.expect_path(rf"/login\?next=/chats/{chat}")


def test_logging_out_redirects_all_windows_of_the_browser(window, alice, bob):
    chat = alice.start_chat(bob)
    one, other = window(alice, path=f"/chats/{chat}"), window(alice)
    expect(one.box).to_be_visible()
    other.log_out()

    other.expect_path("/login")
    one.expect_path("/login")


def test_going_back_after_logging_out_shows_no_private_data(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, SECRET)
    view = window(alice)
    view.row("Bob").get_by_role("link").click()
    expect(view.message(SECRET)).to_be_visible()
    view.box.fill("The door is green")
    view.log_out()
    view.expect_path("/login")

    for step in ("go_back", "go_back", "go_forward"):
        getattr(view.page, step)()
        expect(view.page.get_by_role("heading", name="Log in to ChatFlow")).to_be_visible()
        expect(view.page.get_by_text(SECRET)).to_have_count(0)
    assert "door" not in view.page.evaluate(BROWSER_STORAGE)


def test_login_returns_to_the_requested_page(window, alice, bob, browser_errors):
    browser_errors.expect("422")
    chat = alice.start_chat(bob)
    view = window(path=f"/chats/{chat}")
    view.expect_path(rf"/login\?next=/chats/{chat}")
    view.fill(Username_or_email=alice.username, Password="wrong")
    view.press("Log in")
    expect(view.page.get_by_text("Incorrect username or password.")).to_be_visible()
    view.fill(Password=PASSWORD)
    view.press("Log in")

    view.expect_path(f"/chats/{chat}")
    expect(view.box).to_be_focused()


@pytest.mark.parametrize("box", ["Message", "Search"])
def test_login_after_a_lost_session_returns_to_the_page_and_keeps_the_draft(
    window, alice, bob, box
):
    """The background requests for the draft or the people must not become the next page."""
    chat = alice.start_chat(bob)
    view = window(alice, path=f"/chats/{chat}")
    expect(view.box).to_be_focused()
    view.page.context.clear_cookies(name="sessionid")
    view.fill(**{box: "Half a sentence"})
    view.expect_path(r"/login\?.*")
    view.fill(Username_or_email=alice.username, Password=PASSWORD)
    view.press("Log in")

    view.expect_path(f"/chats/{chat}")
    expect(view.box).to_have_value("Half a sentence" if box == "Message" else "")


def test_messages_of_a_deleted_account_remain(window, alice, bob):
    chat = bob.start_chat(alice)
    bob.say(chat, "Farewell")
    hers, his = window(alice, path=f"/chats/{chat}"), window(bob, path="/settings")
    his.page.get_by_text("Delete your account").click()
    his.fill(Your_password=PASSWORD)
    his.press("Delete my account")

    his.expect_path("/login")
    hers.page.reload()
    hers.expect_messages("Farewell")
    expect(hers.page.get_by_role("heading", name="Deleted account")).to_be_visible()
