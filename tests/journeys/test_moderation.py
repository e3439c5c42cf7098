"""From “Report…” to the tombstone: what people do, what a moderator does, and what both see."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD
from tests.resilience import servers

pytestmark = pytest.mark.journey

THANKS = "Thanks. The moderators will review it."


@pytest.fixture
def root(server_with_users, server) -> str:
    """The username of somebody who may do everything."""
    account = {"USERNAME": "root", "EMAIL": "root@example.org", "PASSWORD": PASSWORD}
    secrets = {f"DJANGO_SUPERUSER_{name}": value for name, value in account.items()}
    servers.manage(server.variables | secrets, "createsuperuser", "--no-input")
    return "root"


def test_alice_reports_mallory_and_a_moderator_puts_an_end_to_it(
    window, alice, bob, carol, root, browser_errors
):
    mallory = carol
    chat = alice.start_group("Garden", bob, mallory)
    alice.say(chat, "Who waters on Sunday?")
    mallory.say(chat, "Buy my pills")
    hers, theirs = (window(one, path=f"/chats/{chat}") for one in (alice, mallory))

    hers.choose("Buy my pills", "Report…")
    dialog = hers.page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Reason").select_option("Spam or advertising")
    dialog.get_by_role("textbox").fill("Every day now.")
    dialog.get_by_role("button", name="Report").click()
    expect(hers.page.get_by_text(THANKS)).to_be_visible()
    expect(dialog).to_be_hidden()

    desk = window(path="/admin/messaging/report/")
    desk.fill(Username_or_email=root, Password=PASSWORD)
    desk.press("Log in")
    desk.page.get_by_role("row").filter(has_text=alice.username).get_by_role("link").first.click()
    expect(desk.page.get_by_text("Buy my pills")).to_be_visible()
    expect(desk.page.get_by_text("Who waters on Sunday?")).to_be_visible()
    expect(desk.page.get_by_text("Every day now.")).to_be_visible()
    browser_errors.expect("401", "403")  # of the page that is shut out
    desk.press("Delete and suspend")

    hers.expect_messages("Garden", "Who waters on Sunday?", "This message was deleted")
    expect(theirs.page).to_have_url(re.compile("/login"))
    expect(desk.page.get_by_text("Done and recorded in the audit log.")).to_be_visible()
    theirs.fill(Username_or_email=mallory.username, Password=PASSWORD)
    browser_errors.expect("422")
    theirs.press("Log in")
    expect(theirs.page.get_by_role("alert")).to_be_visible()


def test_bob_reports_and_blocks_without_javascript(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, "Pay up or else")
    view = window(bob, path=f"/chats/{chat}", java_script_enabled=False)

    view.follow("More")
    view.page.get_by_role("menuitem", name="Report…").click()
    view.page.get_by_role("combobox").select_option("Insults, threats or harassment")
    view.page.get_by_role("checkbox", name=f"Also block {alice.name}").check()
    view.press("Report")
    expect(view.page.get_by_text(THANKS)).to_be_visible()
    view.follow("Back to the chat")
    view.go(f"/chats/{chat}/info")

    expect(view.page.get_by_text(f"You blocked {alice.name}")).to_be_visible()
