"""Sending a message, and the events about it."""

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


def test_member_sends_a_message(program, alice, direct):
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


def test_other_member_reads_the_same_message(program, alice, bob, direct):
    sent = send(program(alice), direct, body="hi").json()

    history = program(bob).get(f"/conversations/{direct.id}/messages").json()

    assert history == {"results": [sent], "has_before": False, "has_after": False}


def test_server_assigns_increasing_ids(program, alice, direct):
    client = program(alice)

    first, second = (send(client, direct, body="hi").json() for _ in range(2))

    assert uuid.UUID(first["id"]) < uuid.UUID(second["id"])
    assert (first["seq"], second["seq"]) == (1, 2)


@pytest.mark.parametrize("bad", ["x", "", 5, True, None, [], {}, "0" * 10_000])
def test_invalid_ids_are_refused(program, alice, direct, bad):
    answer = send(program(alice), direct, body="hi", id=bad)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["id"])
    assert not Message.objects.exists()


def test_sending_marks_everything_as_read(program, alice, bob, direct, say):
    say(bob, direct)

    send(program(alice), direct, body="hi")

    seen = program(alice).get(f"/conversations/{direct.id}").json()
    assert (seen["membership"]["read_seq"], seen["membership"]["delivered_seq"]) == (2, 2)
    assert seen["unread_count"] == 0


def test_each_message_is_sent_once_in_version_order(alice, bob, direct, say, announced):
    with announced() as received:
        first = say(alice, direct, "one")
        say(alice, direct, "two")

    events = [event for event in received if event.version]
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


def test_event_contains_the_same_message_as_the_response(program, alice, direct, say, announced):
    quoted = say(alice, direct, "quoted")

    with announced() as events:
        answer = send(program(alice), direct, body="hi", reply_to=str(quoted.id))

    assert json.loads(events[0].json)["message"] == answer.json()


def test_sending_announces_that_earlier_messages_are_read(alice, bob, direct, say, announced):
    say(bob, direct)

    with announced() as events:
        say(alice, direct)

    received = {json.loads(event.json)["type"]: event for event in events}
    assert received["membership.updated"].topic == f"user.{alice.id}"
    assert json.loads(received["membership.updated"].json)["unread_count"] == 0
    assert json.loads(received["receipt"].json)["read_seq"] == 1


def test_rollback_sends_no_event(alice, direct, say, announced):
    with announced() as events, transaction.atomic():
        say(alice, direct)
        transaction.set_rollback(True)

    assert events == []
    assert not Message.objects.exists()


def test_failing_publication_does_not_lose_the_message(
    program, alice, direct, monkeypatch, django_capture_on_commit_callbacks
):
    def fail(*events):
        raise ConnectionError

    monkeypatch.setattr("chatflow.live.publishing.publish", fail)

    with django_capture_on_commit_callbacks(execute=True):
        answer = send(program(alice), direct, body="hi")

    assert answer.status_code == 201
    assert Message.objects.get().body == "hi"


def test_member_removed_since_loading_cannot_send(alice, bob, group, membership):
    bobs = membership(bob, group)
    remove_member(membership=membership(alice, group), username="bob")

    with pytest.raises(NotFound):
        send_message(membership=bobs, body="hi")

    assert not Message.objects.filter(kind="text").exists()


@pytest.mark.django_db(transaction=True)
def test_concurrent_messages_have_one_order_without_gaps(alice, crowd, together):
    start_group(user=alice, title="Busy", usernames=crowd(29))
    members = list(Membership.objects.for_display())

    together(
        *(lambda member=member: send_message(membership=member, body="hi") for member in members),
        times=20,
    )

    messages = list(Message.objects.order_by("seq"))
    assert [message.seq for message in messages] == list(range(1, 602))
    assert [message.version for message in messages] == list(range(1, 602))
    assert Counter(message.sender_id for message in messages[1:]) == {
        member.user_id: 20 for member in members
    }
    histories = {tuple(message.id for message in read_all(member)) for member in members[::10]}
    assert histories == {tuple(message.id for message in messages)}


def read_all(member):
    member.conversation.refresh_from_db()
    return history.find_page(member, after=0, limit=1000).messages
