"""What goes wrong is said on a page that leads back."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def secret_chat(bob, carol) -> str:
    return bob.start_chat(carol)


def test_what_is_not_there_and_what_is_not_hers_look_the_same(
    window, alice, secret_chat, browser_errors
):
    browser_errors.expect("404")
    view = window(alice)
    pages = []
    for path in (f"/chats/{secret_chat}", f"/chats/{uuid.uuid4()}", "/nowhere/at/all"):
        view.go(path)
        expect(view.page.get_by_role("heading", name="Page not found")).to_be_visible()
        pages.append(view.page.content())

    assert len(set(pages)) == 1
    view.follow("Back to your chats")
    view.expect_path("/")


def test_a_form_that_is_out_of_date_says_so(window, alice, browser_errors):
    browser_errors.expect("403")
    view = window(alice, java_script_enabled=False, path="/settings")
    view.page.context.clear_cookies(name="csrftoken")
    view.press("Save", within="Profile")

    expect(view.page.get_by_role("heading", name="Not allowed")).to_be_visible()
    expect(view.page.get_by_text("This form has expired.")).to_be_visible()
    view.follow("Back to your chats")
    view.expect_path("/")


def test_what_cannot_be_registered_is_explained_at_its_field(window, alice, browser_errors):
    browser_errors.expect("422")
    view = window(path="/register")
    view.fill(Username=alice.username, Email="new@example.org", Password="correct horse battery")
    view.press("Sign up")

    taken = view.page.get_by_role("textbox", name="Username")
    expect(taken).to_have_accessible_description(re.compile("This username is taken.$"))
    expect(taken).to_have_attribute("aria-invalid", "true")
    expect(view.page.get_by_role("textbox", name="Email")).to_have_value("new@example.org")


def test_a_chat_that_vanishes_between_two_clicks_leads_to_its_error_page(
    window, alice, bob, server, browser_errors
):
    browser_errors.expect("404")
    chat = alice.start_chat(bob)
    view = window(alice)
    gone = f"http://{server.address}/chats/{uuid.uuid4()}"
    view.page.route(f"**/chats/{chat}", lambda route: route.continue_(url=gone))
    view.row("Bob").get_by_role("link").click()

    expect(view.page.get_by_role("heading", name="Page not found")).to_be_visible()
