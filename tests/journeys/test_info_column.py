"""The info of a chat beside it, in a wide window."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.windows import Window

pytestmark = pytest.mark.journey

NARROW = {"viewport": {"width": 1000, "height": 720}}
MARK = "log => log.dataset.mark = 'the same'"


@pytest.fixture
def chat(alice, bob) -> str:
    chat = alice.start_chat(bob)
    bob.say(chat, "Hello")
    return chat


@pytest.fixture
def hers(window, alice, chat) -> Window:
    view = window(alice)
    view.row("Bob").get_by_role("link").click()
    expect(view.message("Hello")).to_be_visible()
    view.log.evaluate(MARK)
    return view


def column(view):
    return view.page.get_by_role("region", name="Info", exact=True)


def open_info(view, chat):
    view.page.locator("#chat-subject").click()
    expect(view.page.get_by_role("heading", name="Info")).to_be_visible()
    view.expect_path(f"/chats/{chat}/info")


def expect_only_the_chat(view, chat):
    view.expect_path(f"/chats/{chat}")
    expect(column(view)).to_have_count(0)
    expect(view.log).to_have_attribute("data-mark", "the same")


def test_info_opens_beside_the_chat_and_back_closes_it(hers, chat):
    for close in (
        lambda: hers.page.go_back(),
        lambda: column(hers).get_by_role("link", name="Back").click(),
        lambda: hers.page.locator("#chat-subject").click(),
    ):
        open_info(hers, chat)
        expect(column(hers).get_by_role("heading", name="Bob")).to_be_visible()
        expect(hers.message("Hello")).to_be_visible()

        close()

        expect_only_the_chat(hers, chat)
    hers.page.keyboard.type("Hi")
    expect(hers.box).to_have_value("Hi")


def test_media_open_in_the_column_and_forward_opens_it_again(hers, chat):
    open_info(hers, chat)
    hers.follow("Media and files")
    expect(column(hers).get_by_role("heading", name="Media and files")).to_be_visible()
    hers.expect_path(f"/chats/{chat}/media")
    hers.page.go_back()
    expect(column(hers).get_by_role("heading", name="Bob")).to_be_visible()
    hers.page.go_back()
    expect_only_the_chat(hers, chat)

    hers.page.go_forward()

    expect(column(hers).get_by_role("heading", name="Bob")).to_be_visible()
    expect(hers.log).to_have_attribute("data-mark", "the same")


def test_column_closes_after_its_media_without_loading_the_chat_again(hers, chat):
    open_info(hers, chat)
    hers.follow("Media and files")
    expect(column(hers).get_by_role("heading", name="Media and files")).to_be_visible()
    column(hers).get_by_role("link", name="Back").click()
    expect(column(hers).get_by_role("heading", name="Bob")).to_be_visible()

    column(hers).get_by_role("link", name="Back").click()

    expect_only_the_chat(hers, chat)


def test_another_page_closes_the_column(hers, chat):
    open_info(hers, chat)
    hers.follow("Alice Settings")
    expect(hers.page.get_by_role("heading", name="Settings")).to_be_visible()

    expect(column(hers)).to_have_count(0)


def test_info_replaces_the_chat_in_a_narrow_window_and_in_a_new_document(window, alice, hers, chat):
    hers.page.set_viewport_size(NARROW["viewport"])
    open_info(hers, chat)
    expect(hers.log).to_have_count(0)
    hers.follow("Back")
    expect(hers.message("Hello")).to_be_visible()

    direct = window(alice, device=1, path=f"/chats/{chat}/info")

    expect(direct.page.get_by_role("heading", name="Bob")).to_be_visible()
    expect(direct.log).to_have_count(0)
    direct.follow("Back")
    expect(direct.message("Hello")).to_be_visible()


def test_chat_is_hidden_behind_its_info_when_the_window_becomes_narrow(hers, chat):
    open_info(hers, chat)
    hers.page.set_viewport_size(NARROW["viewport"])
    expect(column(hers).get_by_role("heading", name="Bob")).to_be_visible()
    expect(hers.log).to_be_hidden()
    hers.page.go_back()

    expect_only_the_chat(hers, chat)
    expect(hers.message("Hello")).to_be_visible()
