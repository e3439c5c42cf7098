"""The conversation list: its order, its pages and its rows."""

from __future__ import annotations

import base64

import pytest

from conversations.models import Conversation
from conversations.services import start_direct
from messaging.services import delete_message, edit_message, react


@pytest.fixture
def listed(program):
    """listed(alice) returns a page of her conversation list."""

    def ask(user, **query):
        answer = program(user).get("/conversations", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


@pytest.fixture
def chats(alice, crowd, say):
    """The ids of five direct chats of Alice, most recently active first."""
    found = [start_direct(user=alice, username=name)[0] for name in crowd(5)]
    for chat in found:
        say(alice, chat)
    return [str(chat.id) for chat in reversed(found)]


def ids(page):
    return [row["id"] for row in page["results"]]


def cursor(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_conversations_are_ordered_by_newest_activity(listed, alice, bob, direct, group, say):
    say(bob, direct)
    say(alice, group)
    assert ids(listed(bob)) == [str(group.id), str(direct.id)]

    say(alice, direct)

    assert ids(listed(bob)) == [str(direct.id), str(group.id)]


def test_edits_and_reactions_are_not_activity(listed, alice, direct, group, say, membership):
    message = say(alice, direct)
    say(alice, group)

    member = membership(alice, direct)
    edit_message(membership=member, message_id=message.id, body="ho")
    react(membership=member, message_id=message.id, emoji="👍")

    assert ids(listed(alice)) == [str(group.id), str(direct.id)]


def test_row_contains_the_last_message_and_the_unread_count(listed, alice, bob, direct, say):
    say(alice, direct, "one")
    say(alice, direct, "two")

    [row] = listed(bob)["results"]

    assert (row["last_message"]["body"], row["last_message"]["seq"]) == ("two", 2)
    assert (row["unread_count"], row["last_seq"], row["version"]) == (2, 2, 2)
    assert "members" not in row


def test_deleted_last_message_is_a_tombstone(listed, alice, bob, direct, say, membership):
    message = say(alice, direct, "oops")

    delete_message(membership=membership(alice, direct), message_id=message.id)

    last = listed(bob)["results"][0]["last_message"]
    assert (last["id"], last["body"]) == (str(message.id), "")
    assert last["deleted_at"]


def test_user_without_conversations_has_an_empty_list(listed, mallory, dave, direct, group):
    assert listed(mallory) == listed(dave) == {"results": [], "next": None}


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_pages_have_no_gaps_or_overlaps(listed, alice, chats, limit, sizes):
    pages = [listed(alice, limit=limit)]
    while pages[-1]["next"]:
        pages.append(listed(alice, limit=limit, cursor=pages[-1]["next"]))

    assert [len(page["results"]) for page in pages] == sizes
    assert [id for page in pages for id in ids(page)] == chats


def test_conversations_with_equal_activity_are_paged(listed, alice, chats):
    Conversation.objects.update(active_at=Conversation.objects.first().active_at)

    first = listed(alice, limit=2)
    rest = listed(alice, cursor=first["next"])

    assert sorted(ids(first) + ids(rest)) == sorted(chats)


def test_page_has_fifty_rows_by_default(listed, alice, crowd):
    for name in crowd(51):
        start_direct(user=alice, username=name)

    first = listed(alice)
    rest = listed(alice, cursor=first["next"])

    assert (len(first["results"]), len(rest["results"]), rest["next"]) == (50, 1, None)


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        "é",
        "=" * 10_000,
        cursor("only-one-word"),
        cursor("2026-01-01T00:00:00+00:00 nobody"),
        cursor("yesterday 00000000-0000-0000-0000-000000000000"),
        cursor("0001-01-01T00:00:00+14:00 00000000-0000-0000-0000-000000000000"),
        cursor("9999-12-31T23:59:59-14:00 00000000-0000-0000-0000-000000000000"),
    ],
)
def test_invalid_cursors_are_refused(program, alice, direct, bad):
    answer = program(alice).get("/conversations", {"cursor": bad})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "", "٣", "9" * 40])
def test_invalid_limits_are_refused(program, alice, limit):
    answer = program(alice).get("/conversations", {"limit": limit})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["limit"])
