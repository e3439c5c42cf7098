"""The conversation list: its order, its pages, and what a row tells."""

from __future__ import annotations

import base64

import pytest

from conversations.models import Conversation
from conversations.services import start_direct
from messaging.services import delete_message, edit_message, react


@pytest.fixture
def listed(program):
    """listed(alice) answers her list."""

    def ask(user, **query):
        answer = program(user).get("/conversations", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


@pytest.fixture
def chats(alice, crowd, say):
    """Five direct chats of alice's, the one with a word last said first."""
    found = [start_direct(user=alice, username=name)[0] for name in crowd(5)]
    for chat in found:
        say(alice, chat)
    return [str(chat.id) for chat in reversed(found)]


def ids(page):
    return [row["id"] for row in page["results"]]


def cursor(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_the_newest_activity_comes_first(listed, alice, bob, direct, group, say):
    assert ids(listed(bob)) == [str(group.id), str(direct.id)]

    say(alice, direct)

    assert ids(listed(bob)) == [str(direct.id), str(group.id)]


def test_second_thoughts_are_no_activity(listed, alice, direct, group, say, membership):
    message = say(alice, direct)
    say(alice, group)

    right = membership(alice, direct)
    edit_message(membership=right, message_id=message.id, body="ho")
    react(membership=right, message_id=message.id, emoji="👍")

    assert ids(listed(alice)) == [str(group.id), str(direct.id)]


def test_a_row_tells_the_last_message_and_what_is_unread(listed, alice, bob, direct, say):
    say(alice, direct, "one")
    say(alice, direct, "two")

    [row] = listed(bob)["results"]

    assert (row["last_message"]["body"], row["last_message"]["seq"]) == ("two", 2)
    assert (row["unread_count"], row["last_seq"], row["version"]) == (2, 2, 2)
    assert "members" not in row


def test_a_deleted_last_message_is_a_tombstone(listed, alice, bob, direct, say, membership):
    message = say(alice, direct, "oops")

    delete_message(membership=membership(alice, direct), message_id=message.id)

    last = listed(bob)["results"][0]["last_message"]
    assert (last["id"], last["body"]) == (str(message.id), "")
    assert last["deleted_at"]


def test_whoever_is_in_nothing_has_an_empty_list(listed, mallory, dave, direct, group):
    assert listed(mallory) == listed(dave) == {"results": [], "next": None}


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_pages_follow_each_other_without_gap_or_overlap(listed, alice, chats, limit, sizes):
    pages = [listed(alice, limit=limit)]
    while pages[-1]["next"]:
        pages.append(listed(alice, limit=limit, cursor=pages[-1]["next"]))

    assert [len(page["results"]) for page in pages] == sizes
    assert [id for page in pages for id in ids(page)] == chats


def test_conversations_of_the_same_moment_are_paged_as_well(listed, alice, chats):
    Conversation.objects.update(active_at=Conversation.objects.first().active_at)

    first = listed(alice, limit=2)
    rest = listed(alice, cursor=first["next"])

    assert sorted(ids(first) + ids(rest)) == sorted(chats)


def test_a_page_has_fifty_rows(listed, alice, crowd):
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
def test_a_cursor_that_is_not_ours_is_refused(program, alice, direct, bad):
    answer = program(alice).get("/conversations", {"cursor": bad})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "", "٣", "9" * 40])
def test_a_page_has_1_to_100_rows(program, alice, limit):
    answer = program(alice).get("/conversations", {"limit": limit})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["limit"])
