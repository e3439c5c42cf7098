"""Error pages and form errors."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def secret_chat(bob, carol) -> str:
    return bob.start_chat(carol)


def test_foreign_chats_and_unknown_pages_have_the_same_error_page(
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


def test_form_with_an_expired_csrf_token_is_refused_with_an_error_page(
    window, alice, browser_errors
):
    browser_errors.expect("403")
    view = window(alice, java_script_enabled=False, path="/settings")
    view.page.context.clear_cookies(name="csrftoken")
    view.press("Save", within="Profile")

    expect(view.page.get_by_role("heading", name="Not allowed")).to_be_visible()
    expect(view.page.get_by_text("This form has expired.")).to_be_visible()
    view.follow("Back to your chats")
    view.expect_path("/")


def test_registration_error_is_shown_at_its_field(window, alice, browser_errors):
    browser_errors.expect("422")
    view = window(path="/register")
    view.fill(Username=alice.username, Email="new@example.org", Password="correct horse battery")
    view.press("Sign up")

    taken = view.page.get_by_role("textbox", name="Username")
    expect(taken).to_have_accessible_description(re.compile("This username is taken.$"))
    expect(taken).to_have_attribute("aria-invalid", "true")
    expect(view.page.get_by_role("textbox", name="Email")).to_have_value("new@example.org")


def test_link_to_a_chat_that_no_longer_exists_shows_an_error_page(
    window, alice, bob, server, browser_errors
):
    browser_errors.expect("404")
    chat = alice.start_chat(bob)
    view = window(alice)
    gone = f"http://{server.address}/chats/{uuid.uuid4()}"
    view.page.route(f"**/chats/{chat}", lambda route: route.continue_(url=gone))
    view.row("Bob").get_by_role("link").click()

    expect(view.page.get_by_role("heading", name="Page not found")).to_be_visible()
