"""Deleting a message for everyone: a tombstone remains, the text is erased."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone

from messaging.models import Message, Reaction
from messaging.receipts import acknowledge
from messaging.services import delete_message, react


def delete(client, message):
    return client.delete(f"/conversations/{message.conversation_id}/messages/{message.id}")


def age(message, **by):
    created_at = timezone.now() - timedelta(**by)
    Message.objects.filter(id=message.id).update(created_at=created_at)


def test_sender_deletes_a_message(program, alice, direct, say):
    message = say(alice, direct, "oops")

    answer = delete(program(alice), message)

    tombstone = answer.json()
    assert answer.status_code == 200
    assert (tombstone["id"], tombstone["seq"], tombstone["version"]) == (str(message.id), 1, 2)
    assert (tombstone["body"], tombstone["kind"]) == ("", "text")
    assert tombstone["deleted_at"]


def test_text_of_a_deleted_message_is_erased(program, alice, direct, say):
    message = say(alice, direct, "oops")

    delete(program(alice), message)

    assert bytes(Message.objects.get().sealed_body) == b""


def test_tombstone_replaces_the_message_in_the_history(program, alice, bob, direct, say):
    message = say(alice, direct, "oops")
    say(alice, direct, "better")

    tombstone = delete(program(alice), message).json()

    seen = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]
    assert seen[0] == tombstone
    assert [message["body"] for message in seen] == ["", "better"]


def test_deleted_message_still_counts_as_unread(alice, bob, direct, say, membership):
    message = say(alice, direct)

    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert membership(bob, direct).unread_count == 1


def test_deleted_message_keeps_its_status(program, alice, bob, direct, say, membership):
    message = say(alice, direct)
    acknowledge(membership=membership(bob, direct), read_seq=1)

    assert delete(program(alice), message).json()["status"] == "read"


def test_reactions_are_deleted_with_the_message(program, alice, bob, direct, say, membership):
    message = say(alice, direct)
    react(membership=membership(bob, direct), message_id=message.id, emoji="👍")

    assert delete(program(alice), message).json()["reactions"] == []
    assert not Reaction.objects.exists()


def test_member_cannot_delete_messages_of_others(program, alice, bob, direct, group, say):
    for conversation in (direct, group):
        assert delete(program(bob), say(alice, conversation)).status_code == 403

    assert not Message.objects.exclude(deleted_at=None).exists()


def test_group_admin_deletes_any_message_at_any_time(program, alice, carol, group, say):
    message = say(alice, group)
    age(message, days=365)

    assert delete(program(carol), message).status_code == 200


def test_sender_can_delete_within_48_hours(program, bob, group, say):
    message = say(bob, group)
    age(message, hours=47, minutes=59)

    assert delete(program(bob), message).status_code == 200


def test_sender_cannot_delete_after_48_hours(program, bob, group, say):
    message = say(bob, group)
    age(message, hours=48)

    answer = delete(program(bob), message)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:too_late")


def test_system_message_cannot_be_deleted(program, alice, group):
    assert delete(program(alice), Message.objects.first()).status_code == 403


def test_deleting_twice_has_no_further_effect(program, alice, direct, say, announced):
    message = say(alice, direct)
    first = delete(program(alice), message)

    with announced() as events:
        again = delete(program(alice), message)

    assert (again.status_code, again.json(), events) == (200, first.json(), [])


def test_all_members_receive_the_deletion(alice, direct, say, membership, announced):
    message = say(alice, direct, "oops")

    with announced() as events:
        delete_message(membership=membership(alice, direct), message_id=message.id)

    [event] = events
    fact = json.loads(event.json)
    assert (event.topic, event.version) == (f"conversation.{direct.id}", 2)
    assert (fact["type"], fact["message"]["body"]) == ("message.updated", "")
    assert "oops" not in event.json + event.html
