"""A conversation that a member has marked as unread, until they open it."""

from __future__ import annotations

import json

import pytest

from conversations.listing import count_unread_chats
from conversations.models import FOREVER
from conversations.services import add_members, change_settings, leave
from messaging.receipts import Receipt, acknowledge, acknowledge_all


@pytest.fixture
def mark(membership):
    def change(user, conversation, **settings):
        settings = {"marked_unread": True} | settings
        return change_settings(membership=membership(user, conversation), **settings)

    return change


def test_member_marks_a_conversation_as_unread_for_themselves(program, alice, bob, direct):
    path = f"/conversations/{direct.id}"
    answer = program(bob).patch(f"{path}/settings", {"marked_unread": True})

    assert (answer.status_code, answer.json()["marked_unread"]) == (200, True)
    of_bob = program(bob).get(path).json()
    assert (of_bob["membership"]["marked_unread"], of_bob["unread_count"]) == (True, 0)
    assert program(alice).get(path).json()["membership"]["marked_unread"] is False
    answer = program(bob).patch(f"{path}/settings", {"marked_unread": False})
    assert answer.json()["marked_unread"] is False


@pytest.mark.parametrize("value", [None, "true", 1, []])
def test_mark_is_true_or_false(program, bob, direct, value):
    path = f"/conversations/{direct.id}/settings"
    answer = program(bob).patch(path, {"marked_unread": value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["marked_unread"])


def test_stranger_marks_nothing(program, mallory, direct):
    path = f"/conversations/{direct.id}/settings"

    assert program(mallory).patch(path, {"marked_unread": True}).status_code == 404


def test_mark_moves_no_watermark(alice, bob, direct, say, mark, membership):
    say(alice, direct)
    acknowledge(membership=membership(bob, direct), read_seq=1)
    mark(bob, direct)

    mine = membership(bob, direct)
    assert (mine.delivered_seq, mine.read_seq, mine.unread_count) == (1, 1, 0)
    direct.refresh_from_db()
    assert direct.read_seq == 1


def test_reading_ends_the_mark_and_tells_the_members_devices(
    alice, bob, direct, say, mark, membership, announced
):
    say(alice, direct)
    acknowledge(membership=membership(bob, direct), read_seq=1)
    mark(bob, direct)

    with announced() as events:
        for _ in range(2):
            acknowledge(membership=membership(bob, direct), read_seq=1)

    assert not membership(bob, direct).marked_unread
    assert [event.topic for event in events] == [f"user.{bob.id}"]
    assert json.loads(events[0].json)["membership"]["marked_unread"] is False


def test_receipts_of_several_members_end_only_their_own_marks(
    alice, bob, carol, group, mark, membership
):
    for member in (alice, bob, carol):
        mark(member, group)

    acknowledge_all(
        [Receipt(membership(bob, group), read_seq=1), Receipt(membership(carol, group), 1)]
    )

    marks = [membership(member, group).marked_unread for member in (alice, bob, carol)]
    assert marks == [True, False, True]  # carol has only received it


def test_own_message_ends_the_mark_and_one_of_somebody_else_does_not(
    alice, bob, direct, say, mark, membership, announced
):
    mark(bob, direct)
    say(alice, direct)
    assert membership(bob, direct).marked_unread

    acknowledge(membership=membership(bob, direct), delivered_seq=1)
    assert membership(bob, direct).marked_unread
    with announced() as events:
        say(bob, direct)

    assert not membership(bob, direct).marked_unread
    own = [json.loads(event.json) for event in events if event.topic == f"user.{bob.id}"]
    assert [fact["membership"]["marked_unread"] for fact in own] == [False]


def test_returning_member_finds_no_mark(alice, bob, group, mark, membership):
    mark(bob, group)
    leave(membership=membership(bob, group))
    add_members(membership=membership(alice, group), usernames=["bob"])

    assert not membership(bob, group).marked_unread


def test_marked_chats_count_as_unread_once_and_not_if_muted_or_archived(
    alice, bob, direct, group, say, mark, membership
):
    say(bob, group)
    acknowledge(membership=membership(alice, direct), read_seq=0)
    assert count_unread_chats(alice) == 1

    mark(alice, direct)
    mark(alice, group)
    assert count_unread_chats(alice) == 2
    mark(alice, direct, archived=True)
    mark(alice, group, muted_until=FOREVER)
    assert count_unread_chats(alice) == 0
