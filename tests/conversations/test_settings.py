"""A member's settings for a conversation: muted, archived, pinned."""

from __future__ import annotations

import json

import pytest

from conversations.services import change_settings


def change(client, conversation, **settings):
    return client.patch(f"/conversations/{conversation.id}/settings", settings)


def test_member_mutes_archives_and_pins_a_conversation(program, bob, direct):
    until = "2999-12-31T23:00:00Z"

    answer = change(program(bob), direct, muted_until=until, archived=True, pinned=True)

    assert answer.status_code == 200
    assert answer.json() == {
        "role": "member",
        "delivered_seq": 0,
        "read_seq": 0,
        "muted_until": until,
        "archived": True,
        "pinned": True,
        "marked_unread": False,
    }


def test_settings_are_stored_for_each_member(program, alice, bob, direct):
    change(program(bob), direct, archived=True)

    of_bob = program(bob).get(f"/conversations/{direct.id}").json()["membership"]
    of_alice = program(alice).get(f"/conversations/{direct.id}").json()["membership"]

    assert (of_bob["archived"], of_alice["archived"]) == (True, False)


def test_settings_that_are_not_sent_stay_unchanged(program, bob, direct):
    client = program(bob)
    change(client, direct, muted_until="2999-01-01T00:00:00+02:00", pinned=True)

    answer = change(client, direct, muted_until=None).json()

    assert (answer["muted_until"], answer["pinned"]) == (None, True)


def test_role_and_watermarks_are_ignored(program, bob, group):
    answer = change(program(bob), group, role="owner", read_seq=3, delivered_seq=3, color="red")

    assert answer.status_code == 200
    assert (answer.json()["role"], answer.json()["read_seq"]) == ("member", 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("muted_until", "soon"),
        ("muted_until", 5),
        ("muted_until", True),
        ("muted_until", "0001-01-01T00:00:00+14:00"),
        ("archived", None),
        ("archived", "perhaps"),
        ("archived", "true"),
        ("archived", 1),
        ("pinned", []),
        ("pinned", {}),
    ],
)
def test_invalid_settings_are_refused(program, bob, direct, field, value):
    answer = change(program(bob), direct, **{field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_only_the_members_own_devices_receive_the_event(
    bob, direct, say, alice, membership, announced
):
    say(alice, direct)

    with announced() as events:
        change_settings(membership=membership(bob, direct), pinned=True)

    assert [event.topic for event in events] == [f"user.{bob.id}"]
    fact = json.loads(events[0].json)
    assert (fact["type"], fact["conversation"]) == ("membership.updated", str(direct.id))
    assert (fact["membership"]["pinned"], fact["unread_count"]) == (True, 1)


def test_empty_change_sends_no_event(program, bob, direct, announced):
    with announced() as events:
        answer = change(program(bob), direct)

    assert (answer.status_code, events) == (200, [])
