"""Names, titles and messages that contain markup are shown as plain text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

NAME = "<img src=x onerror=alert(1)>"
TITLE = "<script>alert(2)</script>"
NEW_TITLE = "</title><svg onload=alert(3)>"
BODY = (
    "<b>Hi</b> <iframe src=//example.org></iframe> \"'><script>alert(4)</script> &lt;i&gt; {{ 7 }}"
)
INJECTED_ELEMENTS = "img[src=x], main b:not([dir]), main i, iframe, [onerror], [onload]"


def assert_nothing_injected(view):
    expect(view.page.locator(INJECTED_ELEMENTS)).to_have_count(0)


def test_markup_in_names_titles_and_messages_is_shown_as_text(window, alice, bob, carol):
    alice.set_display_name(NAME)
    group = alice.start_group(TITLE, bob, carol)
    hers, his = window(alice, path=f"/chats/{group}"), window(bob)
    expect(his.row(TITLE)).to_be_visible()
    hers.say(BODY)
    expect(his.link(f"{NAME}: {BODY}")).to_be_visible()
    his.row(TITLE).get_by_role("link").click()
    his.message(BODY).hover()
    his.press("Reply")
    expect(his.page.get_by_role("button", name="Cancel").locator("..")).to_contain_text(BODY)
    his.say("Pardon?")
    hers.box.press_sequentially("<i>")
    expect(his.page.locator("typing-line").filter(has_text=f"{NAME} is typing…")).to_be_visible()
    hers.go(f"/chats/{group}/info")
    hers.fill(Group_name=NEW_TITLE)
    hers.press("Rename")
    expect(hers.page.get_by_role("main").get_by_role("heading", name=NEW_TITLE)).to_be_visible()
    hers.follow("Back")

    for view in (hers, his):
        expect(view.page).to_have_title(f"{NEW_TITLE} · ChatFlow")
    his.page.reload()
    for view, author in ((hers, "You"), (his, NAME)):
        view.expect_messages(TITLE, BODY, "Pardon?", NEW_TITLE)
        expect(view.message(BODY).first).to_contain_text(NAME)
        quote = view.message("Pardon?").get_by_role("link").filter(has_text=BODY)
        expect(quote).to_contain_text(author + BODY)
        expect(view.page.get_by_role("heading", name=NEW_TITLE)).to_be_visible()
        expect(view.page).to_have_title(f"{NEW_TITLE} · ChatFlow")
        assert_nothing_injected(view)


def test_markup_in_names_and_queries_of_the_user_search_is_shown_as_text(window, alice, bob):
    alice.set_display_name(NAME)
    his = window(bob, path="/chats/new")
    his.fill(Name_or_username=alice.username)
    expect(his.page.locator("main").get_by_role("button", name=NAME)).to_be_visible()
    his.page.locator("main").get_by_role("button", name=NAME).click()

    expect(his.page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(his.row(NAME)).to_be_visible()
    his.go("/people?search=%3Cb%3E%22%27")
    expect(his.page.get_by_text("No people found for “<b>\"'”.")).to_be_visible()
    assert_nothing_injected(his)


def test_links_in_messages_open_without_referrer_and_opener(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, "See https://example.org/a?b=<c>&d=e, not javascript:alert(5)")
    his = window(bob, path=f"/chats/{chat}")

    link = his.messages.get_by_role("link")
    expect(link).to_have_count(1)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(his.messages).to_contain_text("https://example.org/a?b=<c>&d=e, not javascript:alert(5)")
