"""Theme, privacy, blocks and shortcuts."""

from __future__ import annotations

import re

import pytest

from accounts.models import User
from conversations.services import start_group


@pytest.mark.parametrize(("theme", "media"), [("dark", "all"), ("light", "not all")])
def test_chosen_theme_is_in_the_page(browser, alice, theme, media):
    client = browser(alice)
    client.post("/settings/appearance", {"theme": theme})

    page = client.get("/").content.decode()

    assert re.search(rf'css/dark[^"]*" media="{media}"', page)
    assert "prefers-color-scheme" not in page


@pytest.mark.parametrize("theme", ["system", "neon", '"><script>'])
def test_theme_follows_the_system_by_default(browser, alice, theme):
    client = browser(alice)
    client.post("/settings/appearance", {"theme": theme})

    page = client.get("/login", follow=True).content.decode()

    assert 'media="(prefers-color-scheme: dark)"' in page
    assert "<script>" not in page


def test_privacy_settings_are_saved(browser, alice):
    client = browser(alice)

    client.post("/settings/privacy", {"last_seen_to": "nobody"})

    alice.refresh_from_db()
    assert (alice.last_seen_to, alice.shows_read_receipts) == ("nobody", False)


def test_unknown_audience_is_refused(browser, alice):
    response = browser(alice).post("/settings/privacy", {"last_seen_to": "cats"})

    assert response.status_code == 422


def test_blocked_user_is_listed_and_can_be_unblocked(browser, alice, bob, direct):
    client = browser(alice)
    info = f"/chats/{direct.id}/info"

    first = client.post(f"/settings/blocks/bob?next={info}")
    client.post("/settings/blocks/bob")
    assert first["Location"] == info
    assert list(User.objects.blocked_by(alice)) == [bob]
    assert "Unblock" in client.get(info).content.decode()
    assert "Unblock Bob" in client.get("/settings").content.decode()

    client.post("/settings/blocks/bob/lift")
    client.post("/settings/blocks/bob/lift")
    assert list(User.objects.blocked_by(alice)) == []


@pytest.mark.parametrize("address", ["https://evil.example", "foo"])
def test_block_form_ignores_next_urls_of_other_sites(browser, alice, bob, address):
    response = browser(alice).post(f"/settings/blocks/bob?next={address}")

    assert response["Location"] == "/settings"


def test_block_requires_post(browser, alice, bob):
    assert browser(alice).get("/settings/blocks/bob").status_code == 405


def test_shortcuts_are_a_page_and_a_dialog(browser, alice):
    client = browser(alice)

    assert "<html" in client.get("/shortcuts").content.decode()
    dialog = client.get("/shortcuts", headers={"HX-Request": "true", "HX-Target": "dialog"})
    assert dialog.content.decode().startswith('<div class="dialog__content">')


def test_members_of_a_large_group_are_paged(browser, alice, crowd):
    group = start_group(user=alice, title="Village", usernames=crowd(120))
    client = browser(alice)

    first = client.get(f"/chats/{group.id}/info").content.decode()
    last = client.get(f"/chats/{group.id}/info?page=3").content.decode()

    assert first.count('id="member-') == 50
    assert "121 members" in first
    assert last.count('id="member-') == 21
    assert "more-members" not in last
