"""Editing a message."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from messaging.models import Message
from messaging.services import delete_message, edit_message


def edit(client, message, body):
    return client.patch(
        f"/conversations/{message.conversation_id}/messages/{message.id}", {"body": body}
    )


def age(message, **by):
    Message.objects.filter(id=message.id).update(created_at=message.created_at - timedelta(**by))


def test_sender_edits_a_message(program, alice, direct, say):
    message = say(alice, direct, "hi")

    edited = edit(program(alice), message, " ho ").json()

    assert (edited["body"], edited["seq"], edited["version"]) == ("ho", 1, 2)
    assert edited["edited_at"] > edited["created_at"]
    assert edited["deleted_at"] is None


def test_other_member_reads_the_new_text(program, alice, bob, direct, say):
    message = say(alice, direct, "hi")

    edited = edit(program(alice), message, "ho").json()

    [seen] = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]
    assert seen == edited


def test_nobody_but_the_sender_can_edit(program, alice, bob, carol, group, say):
    message = say(bob, group, "hi")

    assert edit(program(carol), message, "ho").status_code == 403
    assert edit(program(alice), message, "ho").status_code == 403
    assert Message.objects.get(id=message.id).body == "hi"


def test_sender_can_edit_within_15_minutes(program, alice, direct, say):
    message = say(alice, direct)
    age(message, minutes=14, seconds=30)

    assert edit(program(alice), message, "ho").status_code == 200


def test_sender_cannot_edit_after_15_minutes(program, alice, direct, say):
    message = say(alice, direct)
    age(message, minutes=15)

    answer = edit(program(alice), message, "ho")

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:too_late")


def test_deleted_message_cannot_be_edited(program, alice, direct, say, membership):
    message = say(alice, direct)
    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert edit(program(alice), message, "ho").status_code == 403


def test_system_message_cannot_be_edited(program, alice, group):
    assert edit(program(alice), Message.objects.first(), "ho").status_code == 403


def test_edit_without_a_difference_changes_nothing(program, alice, direct, say, announced):
    message = say(alice, direct, "hi")

    with announced() as events:
        edited = edit(program(alice), message, "hi ").json()

    assert (edited["version"], edited["edited_at"], events) == (1, None, [])


@pytest.mark.parametrize("body", ["", "  ", "x" * 4097, None, 5, ["ho"], "a\0b"])
def test_invalid_text_is_refused(program, alice, direct, say, body):
    message = say(alice, direct, "hi")

    answer = edit(program(alice), message, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])
    assert Message.objects.get().body == "hi"


def test_all_members_receive_the_edit(alice, direct, say, membership, announced):
    message = say(alice, direct)

    with announced() as events:
        edit_message(membership=membership(alice, direct), message_id=message.id, body="ho")

    [event] = events
    fact = json.loads(event.json)
    assert (event.topic, event.version) == (f"conversation.{direct.id}", 2)
    assert (fact["type"], fact["message"]["body"]) == ("message.updated", "ho")
