"""Deleting a message for everyone: its place stays, its text is gone."""

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


def test_alice_deletes_her_message(program, alice, direct, say):
    message = say(alice, direct, "oops")

    answer = delete(program(alice), message)

    tombstone = answer.json()
    assert answer.status_code == 200
    assert (tombstone["id"], tombstone["seq"], tombstone["version"]) == (str(message.id), 1, 2)
    assert (tombstone["body"], tombstone["kind"]) == ("", "text")
    assert tombstone["deleted_at"]


def test_nothing_of_the_text_is_kept(program, alice, direct, say):
    message = say(alice, direct, "oops")

    delete(program(alice), message)

    assert bytes(Message.objects.get().sealed_body) == b""


def test_bob_sees_the_tombstone_in_its_place(program, alice, bob, direct, say):
    message = say(alice, direct, "oops")
    say(alice, direct, "better")

    tombstone = delete(program(alice), message).json()

    seen = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]
    assert seen[0] == tombstone
    assert [message["body"] for message in seen] == ["", "better"]


def test_it_stays_unread_for_whoever_had_not_read_it(alice, bob, direct, say, membership):
    message = say(alice, direct)

    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert membership(bob, direct).unread_count == 1


def test_ticks_survive(program, alice, bob, direct, say, membership):
    message = say(alice, direct)
    acknowledge(membership=membership(bob, direct), read_seq=1)

    assert delete(program(alice), message).json()["status"] == "read"


def test_its_reactions_are_gone(program, alice, bob, direct, say, membership):
    message = say(alice, direct)
    react(membership=membership(bob, direct), message_id=message.id, emoji="👍")

    assert delete(program(alice), message).json()["reactions"] == []
    assert not Reaction.objects.exists()


def test_bob_may_not_delete_it(program, alice, bob, direct, group, say):
    for conversation in (direct, group):
        assert delete(program(bob), say(alice, conversation)).status_code == 403

    assert not Message.objects.exclude(deleted_at=None).exists()


def test_a_groups_admin_deletes_anybodys_message_at_any_time(program, alice, carol, group, say):
    message = say(alice, group)
    age(message, days=365)

    assert delete(program(carol), message).status_code == 200


def test_almost_two_days_later_is_in_time(program, bob, group, say):
    message = say(bob, group)
    age(message, hours=47, minutes=59)

    assert delete(program(bob), message).status_code == 200


def test_two_days_later_is_too_late(program, bob, group, say):
    message = say(bob, group)
    age(message, hours=48)

    answer = delete(program(bob), message)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:too_late")


def test_a_notice_is_not_deleted(program, alice, group):
    assert delete(program(alice), Message.objects.first()).status_code == 403


def test_deleting_it_twice_is_once(program, alice, direct, say, announced):
    message = say(alice, direct)
    first = delete(program(alice), message)

    with announced() as events:
        again = delete(program(alice), message)

    assert (again.status_code, again.json(), events) == (200, first.json(), [])


def test_everybody_is_told(alice, direct, say, membership, announced):
    message = say(alice, direct, "oops")

    with announced() as events:
        delete_message(membership=membership(alice, direct), message_id=message.id)

    [event] = events
    fact = json.loads(event.json)
    assert (event.topic, event.version) == (f"conversation.{direct.id}", 2)
    assert (fact["type"], fact["message"]["body"]) == ("message.updated", "")
    assert "oops" not in event.json + event.html
