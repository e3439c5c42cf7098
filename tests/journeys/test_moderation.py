"""Reporting a message, and a moderator's decision about it."""

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
    """The username of a superuser."""
    account = {"USERNAME": "root", "EMAIL": "root@example.org", "PASSWORD": PASSWORD}
    secrets = {f"DJANGO_SUPERUSER_{name}": value for name, value in account.items()}
    servers.manage(server.variables | secrets, "createsuperuser", "--no-input")
    return "root"


def test_moderator_deletes_a_reported_message_and_suspends_its_sender(
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

    moderator = window(path="/admin/messaging/report/")
    moderator.fill(Username_or_email=root, Password=PASSWORD)
    moderator.press("Log in")
    moderator.page.get_by_role("row").filter(has_text=alice.username).get_by_role(
        "link"
    ).first.click()
    expect(moderator.page.get_by_text("Buy my pills")).to_be_visible()
    expect(moderator.page.get_by_text("Who waters on Sunday?")).to_be_visible()
    expect(moderator.page.get_by_text("Every day now.")).to_be_visible()
    browser_errors.expect("401", "403")  # of the page of the suspended user
    moderator.press("Delete and suspend")

    hers.expect_messages("Garden", "Who waters on Sunday?", "This message was deleted")
    expect(theirs.page).to_have_url(re.compile("/login"))
    expect(moderator.page.get_by_text("Done and recorded in the audit log.")).to_be_visible()
    theirs.fill(Username_or_email=mallory.username, Password=PASSWORD)
    browser_errors.expect("422")
    theirs.press("Log in")
    expect(theirs.page.get_by_role("alert")).to_be_visible()


def test_user_reports_and_blocks_without_javascript(window, alice, bob):
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
