"""Pinning, archiving, muting and drafts, and the order of the list."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.access import find_membership
from conversations.models import Membership
from conversations.services import start_direct

HTMX = {"HX-Request": "true"}
ROWS = 30
ROW = re.compile('id="row-([^"]+)"')
ARCHIVED_COUNT = re.compile('class="archive__count">([^<]*)<')
OFFERED_MARK = re.compile('name="(read|marked_unread)" value="1">')
OLDER_ARCHIVED_CHATS = re.compile('href="([^"]+)"[^>]*>Older archived chats<')
OLDER_CHATS = re.compile('href="([^"]+)"[^>]*>Older chats<')


def settings_of(conversation) -> str:
    return f"/chats/{conversation.id}/settings"


def test_pinning_returns_the_membership_fragment(browser, alice, direct):
    response = browser(alice).post(settings_of(direct), {"pinned": "1"}, headers=HTMX)

    html = response.content.decode()
    assert html.startswith("<live-membership")
    assert " data-pinned" in html
    assert find_membership(alice, direct.id).pinned


def test_settings_do_not_affect_other_members(browser, alice, bob, direct):
    browser(alice).post(settings_of(direct), {"archived": "1", "mute": "always"})

    hers, his = find_membership(alice, direct.id), find_membership(bob, direct.id)
    assert hers.archived
    assert not his.archived
    assert his.muted_until is None


@pytest.mark.parametrize(
    ("duration", "least_hours"), [("8h", 7), ("week", 160), ("always", 100_000)]
)
def test_muting_lasts_for_the_chosen_time(browser, alice, direct, duration, least_hours):
    browser(alice).post(settings_of(direct), {"mute": duration})

    membership = find_membership(alice, direct.id)
    assert membership.muted_until > timezone.now() + timedelta(hours=least_hours)


def test_unmuting_changes_nothing_else(browser, alice, direct):
    client = browser(alice)
    client.post(settings_of(direct), {"mute": "week", "pinned": "1"})

    client.post(settings_of(direct), {"mute": "off"})

    membership = find_membership(alice, direct.id)
    assert membership.muted_until is None
    assert membership.pinned


def test_invalid_settings_change_nothing(browser, alice, direct):
    browser(alice).post(settings_of(direct), {"mute": "8h", "pinned": "perhaps"})

    membership = find_membership(alice, direct.id)
    assert (membership.muted_until, membership.pinned) == (None, False)


def test_pinned_chats_come_first_and_archived_chats_are_separate(
    browser, alice, direct, group, say
):
    client = browser(alice)
    say(alice, group)
    client.post(settings_of(direct), {"pinned": "1"})
    page = client.get("/").content.decode()
    assert page.index(f"row-{direct.id}") < page.index(f"row-{group.id}")

    client.post(settings_of(direct), {"archived": "1"})

    page = client.get("/").content.decode()
    assert page.index(f"row-{direct.id}") > page.index("rows--archived")


def test_list_is_paged(browser, alice, crowd):
    for name in crowd(ROWS + 2):
        start_direct(user=alice, username=name)
    client = browser(alice)
    first = client.get("/").content.decode()
    further = unescape(OLDER_CHATS.search(first)[1])
    rest = client.get(further, headers=HTMX).content.decode()

    assert (len(ROW.findall(first)), len(ROW.findall(rest))) == (ROWS, 2)
    assert not OLDER_CHATS.search(rest)
    assert not set(ROW.findall(first)) & set(ROW.findall(rest))


def test_archived_chats_are_paged_with_and_without_javascript(browser, alice, crowd):
    for name in crowd(ROWS + 2):
        start_direct(user=alice, username=name)
    Membership.objects.of(alice).update(archived=True)
    client = browser(alice)
    first = client.get("/").content.decode()
    further = unescape(OLDER_ARCHIVED_CHATS.search(first)[1])
    rest = client.get(further, headers=HTMX).content.decode()

    assert (len(ROW.findall(first)), len(ROW.findall(rest))) == (ROWS, 2)
    assert not OLDER_ARCHIVED_CHATS.search(rest)
    assert (ARCHIVED_COUNT.findall(first), ARCHIVED_COUNT.findall(rest)) == ([f"{ROWS}+"], [])
    assert not set(ROW.findall(first)) & set(ROW.findall(rest))
    without_script = client.get(further).content.decode()
    assert ROW.findall(without_script) == ROW.findall(rest)
    assert '<details class="archive" open>' in without_script


@pytest.mark.parametrize("parameter", ["cursor", "archived"])
def test_invalid_cursor_is_refused(browser, alice, parameter):
    client = browser(alice)

    for headers in ({}, HTMX):
        assert client.get("/", {parameter: "made-up"}, headers=headers).status_code == 400


def test_marking_as_unread_shows_a_labelled_dot_and_offers_marking_as_read(browser, alice, direct):
    client, path = browser(alice), f"/chats/{direct.id}"
    html = client.post(f"{path}/settings", {"marked_unread": "1"}, headers=HTMX).content.decode()
    assert " data-marked-unread" in html

    assert (
        '<span class="visually-hidden">Marked as unread</span>' in client.get("/").content.decode()
    )
    assert client.get("/chats/unread").content.decode() == '<data value="1"></data>'
    assert OFFERED_MARK.findall(client.get(f"{path}/bar").content.decode()) == ["read"]
    html = client.post(f"{path}/settings", {"read": "1"}, headers=HTMX).content.decode()
    assert " data-marked-unread" not in html
    assert OFFERED_MARK.findall(client.get(f"{path}/bar").content.decode()) == ["marked_unread"]


def test_marking_as_read_reads_all_messages(browser, alice, bob, direct, say):
    for _ in range(3):
        say(bob, direct)

    html = browser(alice).post(settings_of(direct), {"read": "1"}, headers=HTMX).content.decode()

    assert 'data-read-seq="3" data-unread-count="0"' in html
    assert find_membership(alice, direct.id).read_seq == 3
    direct.refresh_from_db()
    assert direct.read_seq == 3  # bob sees it


def test_history_of_a_marked_chat_has_the_mark(browser, alice, direct):
    client = browser(alice)
    assert "data-marked-unread" not in client.get(f"/chats/{direct.id}").content.decode()
    client.post(settings_of(direct), {"marked_unread": "1"})

    history = client.get(f"/chats/{direct.id}/messages", headers=HTMX).content.decode()
    assert " data-marked-unread" in history


def test_expired_mute_is_not_shown(browser, alice, direct):
    membership = find_membership(alice, direct.id)
    membership.muted_until = timezone.now() - timedelta(minutes=1)
    membership.save(update_fields=["muted_until"])

    assert "row--muted" not in browser(alice).get(f"/chats/{direct.id}/row").content.decode()


def test_draft_is_escaped_and_shown_on_the_user_s_other_devices_only(browser, alice, bob, direct):
    response = browser(alice).post(f"/chats/{direct.id}/draft", {"text": "<b>half a"})

    assert response.status_code == 204
    other = browser(alice)
    assert "&lt;b&gt;half a</textarea>" in other.get(f"/chats/{direct.id}").content.decode()
    assert "&lt;b&gt;half a" in other.get(f"/chats/{direct.id}/row").content.decode()
    assert "half a" not in browser(bob).get(f"/chats/{direct.id}").content.decode()


def test_empty_draft_is_removed(browser, alice, direct):
    client = browser(alice)
    client.post(f"/chats/{direct.id}/draft", {"text": "half a"})

    client.post(f"/chats/{direct.id}/draft", {"text": ""})

    assert "data-draft>" not in client.get(f"/chats/{direct.id}/row").content.decode()


@pytest.mark.parametrize("path", ["settings", "draft"])
def test_stranger_cannot_save_settings_or_drafts(browser, mallory, direct, path):
    response = browser(mallory).post(f"/chats/{direct.id}/{path}", {"pinned": "1", "text": "x"})

    assert response.status_code == 404


def test_query_count_of_the_list_does_not_grow(browser, alice, person):
    client = browser(alice)
    counts = []
    for number in range(2):
        for index in range(3):
            start_direct(user=alice, username=person(f"friend_{number}{index}").username)
        with CaptureQueriesContext(connection) as queries:
            client.get("/")
        counts.append(len(queries))

    assert counts[0] == counts[1]
