"""Sending a message, and what everybody is told."""

from __future__ import annotations

import json
import uuid
from collections import Counter

import pytest
from django.db import transaction

from chatflow.errors import NotFound
from conversations.models import Membership
from conversations.services import remove_member, start_group
from messaging import history
from messaging.models import Message
from messaging.services import send_message


def send(client, conversation, **message):
    return client.post(f"/conversations/{conversation.id}/messages", message)


def test_alice_sends_a_message(program, alice, direct):
    chosen = str(uuid.uuid4())

    answer = send(program(alice), direct, id=chosen, body="hi", color="red")

    message = answer.json()
    assert answer.status_code == 201
    assert message.pop("created_at").endswith("Z")
    assert message == {
        "id": chosen,
        "conversation": str(direct.id),
        "seq": 1,
        "version": 1,
        "kind": "text",
        "sender": {
            "id": str(alice.id),
            "username": "alice",
            "display_name": "Alice",
            "avatar_url": None,
        },
        "body": "hi",
        "reply_to": None,
        "reactions": [],
        "attachments": [],
        "edited_at": None,
        "deleted_at": None,
        "status": "sent",
    }


def test_bob_reads_the_very_same_message(program, alice, bob, direct):
    sent = send(program(alice), direct, body="hi").json()

    history = program(bob).get(f"/conversations/{direct.id}/messages").json()

    assert history == {"results": [sent], "has_before": False, "has_after": False}


def test_an_id_that_is_not_chosen_is_given(program, alice, direct):
    client = program(alice)

    first, second = (send(client, direct, body="hi").json() for _ in range(2))

    assert uuid.UUID(first["id"]) < uuid.UUID(second["id"])
    assert (first["seq"], second["seq"]) == (1, 2)


@pytest.mark.parametrize("bad", ["x", "", 5, True, None, [], {}, "0" * 10_000])
def test_an_id_is_a_uuid(program, alice, direct, bad):
    answer = send(program(alice), direct, body="hi", id=bad)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["id"])
    assert not Message.objects.exists()


def test_ones_own_message_moves_ones_own_watermarks(program, alice, bob, direct, say):
    say(bob, direct)

    send(program(alice), direct, body="hi")

    seen = program(alice).get(f"/conversations/{direct.id}").json()
    assert (seen["membership"]["read_seq"], seen["membership"]["delivered_seq"]) == (2, 2)
    assert seen["unread_count"] == 0


def test_everybody_is_told_once_and_in_version_order(alice, bob, direct, say, announced):
    with announced() as events:
        first = say(alice, direct, "one")
        say(alice, direct, "two")

    assert [(event.topic, event.version) for event in events] == [
        (f"conversation.{direct.id}", 1),
        (f"conversation.{direct.id}", 2),
    ]
    fact = json.loads(events[0].json)
    assert (fact["type"], fact["conversation"], fact["version"]) == (
        "message.created",
        str(direct.id),
        1,
    )
    assert (fact["message"]["id"], fact["message"]["body"]) == (str(first.id), "one")
    assert str(first.id) in events[0].html


def test_what_is_told_is_what_the_sender_was_answered(program, alice, direct, say, announced):
    quoted = say(alice, direct, "quoted")

    with announced() as events:
        answer = send(program(alice), direct, body="hi", reply_to=str(quoted.id))

    assert json.loads(events[0].json)["message"] == answer.json()


def test_whoever_had_something_unread_hears_that_it_is_read(alice, bob, direct, say, announced):
    say(bob, direct)

    with announced() as events:
        say(alice, direct)

    told = {json.loads(event.json)["type"]: event for event in events}
    assert told["membership.updated"].topic == f"user.{alice.id}"
    assert json.loads(told["membership.updated"].json)["unread_count"] == 0
    assert json.loads(told["receipt"].json)["read_seq"] == 1


def test_nothing_is_told_of_what_was_rolled_back(alice, direct, say, announced):
    with announced() as events, transaction.atomic():
        say(alice, direct)
        transaction.set_rollback(True)

    assert events == []
    assert not Message.objects.exists()


def test_a_push_that_fails_does_not_lose_the_message(
    program, alice, direct, monkeypatch, django_capture_on_commit_callbacks
):
    def fail(*events):
        raise ConnectionError

    monkeypatch.setattr("chatflow.realtime.publish", fail)

    with django_capture_on_commit_callbacks(execute=True):
        answer = send(program(alice), direct, body="hi")

    assert answer.status_code == 201
    assert Message.objects.get().body == "hi"


def test_a_right_that_ended_a_moment_ago_sends_nothing(alice, bob, group, membership):
    bobs = membership(bob, group)
    remove_member(membership=membership(alice, group), username="bob")

    with pytest.raises(NotFound):
        send_message(membership=bobs, body="hi")

    assert not Message.objects.filter(kind="text").exists()


@pytest.mark.django_db(transaction=True)
def test_thirty_people_sending_at_once_stand_in_one_order_without_gaps(alice, crowd, together):
    start_group(user=alice, title="Busy", usernames=crowd(29))
    rights = list(Membership.objects.for_display())

    together(
        *(lambda right=right: send_message(membership=right, body="hi") for right in rights),
        times=20,
    )

    messages = list(Message.objects.order_by("seq"))
    assert [message.seq for message in messages] == list(range(1, 602))
    assert [message.version for message in messages] == list(range(1, 602))
    assert Counter(message.sender_id for message in messages[1:]) == {
        right.user_id: 20 for right in rights
    }
    histories = {tuple(message.id for message in read_all(right)) for right in rights[::10]}
    assert histories == {tuple(message.id for message in messages)}


def read_all(right):
    right.conversation.refresh_from_db()
    return history.page_of(right, after=0, limit=1000).messages
