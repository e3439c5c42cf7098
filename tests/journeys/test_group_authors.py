"""Avatars beside the messages of a group, and links from a message to its author."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_settings import picture

pytestmark = pytest.mark.journey

AVATAR = ".message__avatar"


@pytest.fixture
def group(alice, bob, carol) -> str:
    group = alice.start_group("Garden", bob, carol)
    bob.say(group, "First", "Second")
    return group


@pytest.fixture
def hers(window, alice, group):
    view = window(alice)
    view.open_chat(group)
    return view


def test_last_message_of_a_run_has_the_avatar(hers, alice, bob, carol, group):
    expect(hers.message("Second").locator(AVATAR)).to_be_visible()
    expect(hers.message("First").locator(AVATAR)).to_be_hidden()

    bob.say(group, "Third")
    carol.say(group, "Fourth")
    alice.say(group, "Fifth")

    for text, is_shown in (("Second", False), ("Third", True), ("Fourth", True), ("Fifth", False)):
        expect(hers.message(text).locator(AVATAR)).to_be_visible(visible=is_shown)


@pytest.mark.parametrize("of_run", ["First .message__author", "Second .message__avatar"])
def test_author_of_a_message_links_to_the_member(hers, group, of_run):
    text, part = of_run.split()
    hers.message(text).locator(part).click()

    hers.expect_path(f"/chats/{group}/info#member-.*")
    hers.page.get_by_label("Actions for Bob").click()
    hers.press("Message Bob")
    expect(hers.page.get_by_role("heading", name="Bob", exact=True)).to_be_visible()
    expect(hers.box).to_be_visible()


def test_link_to_a_member_far_down_the_list_loads_it(window, alice, bob, carol, dave, more_users):
    others = [other for users in more_users(13) for other in users.values()]  # a page has 50
    group = alice.start_group("Garden", bob, carol, *others, dave)
    dave.say(group, "I joined last")
    view = window(alice, path=f"/chats/{group}")
    author = view.message("I joined last").locator(".message__author")
    _page, fragment = str(author.get_attribute("href")).split("#")
    author.click()

    expect(view.page.locator(f"#{fragment}")).to_be_in_viewport()


def test_avatar_beside_messages_follows_a_new_photo(window, hers, bob):
    his = window(bob, path="/settings")
    his.page.get_by_label("Photo").set_input_files(picture("teal"))

    expect(hers.message("Second").locator(f"{AVATAR} img")).to_have_js_property("naturalWidth", 512)
