"""Sending a message again with the same id: a retry has no further effect."""

from __future__ import annotations

import uuid

import pytest

from conversations.services import add_members, remove_member
from messaging.models import Message
from messaging.serializers import message_json
from messaging.services import IdIsTaken, delete_message, edit_message, send_message

ID = uuid.uuid4()


def test_retry_returns_the_stored_message(program, alice, direct):
    client, path = program(alice), f"/conversations/{direct.id}/messages"

    first = client.post(path, {"id": str(ID), "body": "hi"})
    again = client.post(path, {"id": ID.hex.upper(), "body": " hi "})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 1


def test_retry_repeats_the_events_and_changes_nothing(alice, direct, say, announced):
    with announced() as received:
        say(alice, direct, message_id=ID)
    direct.refresh_from_db()
    before = (direct.active_at, direct.version, direct.last_seq)

    with announced() as events:
        say(alice, direct, message_id=ID)

    direct.refresh_from_db()
    assert events == received
    assert (direct.active_at, direct.version, direct.last_seq) == before


def test_retry_of_a_reply_returns_the_stored_reply(alice, direct, say):
    quoted = say(alice, direct)

    first, again = (say(alice, direct, message_id=ID, reply_to=quoted.id) for _ in range(2))

    assert message_json(again, since_seq=0) == message_json(first, since_seq=0)


def test_returning_member_can_retry_a_reply_to_a_message_they_no_longer_see(
    alice, bob, group, say, membership
):
    quoted = say(alice, group)
    reply = say(bob, group, message_id=ID, reply_to=quoted.id)
    remove_member(membership=membership(alice, group), username="bob")
    add_members(membership=membership(alice, group), usernames=["bob"])

    assert say(bob, group, message_id=ID, reply_to=quoted.id) == reply


def test_same_id_with_another_text_is_a_conflict(program, alice, direct, say):
    say(alice, direct, "hi", message_id=ID)

    answer = program(alice).post(
        f"/conversations/{direct.id}/messages", {"id": str(ID), "body": "ho"}
    )

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:chatflow:id_is_taken")
    assert Message.objects.get().body == "hi"


def test_same_id_with_another_reply_is_a_conflict(alice, direct, say):
    quoted = say(alice, direct)
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(alice, direct, message_id=ID, reply_to=quoted.id)


def test_same_id_of_another_sender_is_a_conflict(alice, bob, direct, say):
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(bob, direct, message_id=ID)


def test_same_id_in_another_conversation_is_a_conflict(alice, direct, group, say):
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(alice, group, message_id=ID)


def test_id_of_a_system_message_is_a_conflict(alice, group, say):
    with pytest.raises(IdIsTaken):
        say(alice, group, message_id=Message.objects.first().id)


def test_retry_after_an_edit_returns_the_edited_message(alice, direct, say, membership):
    say(alice, direct, "hi", message_id=ID)
    edit_message(membership=membership(alice, direct), message_id=ID, body="ho")

    assert say(alice, direct, "hi", message_id=ID).body == "ho"


def test_retry_after_a_deletion_returns_the_tombstone(alice, direct, say, membership):
    say(alice, direct, "hi", message_id=ID)
    delete_message(membership=membership(alice, direct), message_id=ID)

    assert say(alice, direct, "hi", message_id=ID).is_deleted


def test_removed_member_cannot_retry(program, alice, bob, group, say, membership):
    say(bob, group, "hi", message_id=ID)
    remove_member(membership=membership(alice, group), username="bob")

    answer = program(bob).post(f"/conversations/{group.id}/messages", {"id": str(ID), "body": "hi"})

    assert answer.status_code == 404


@pytest.mark.django_db(transaction=True)
def test_concurrent_retries_create_one_message(program, alice, direct, together):
    client, path = program(alice), f"/conversations/{direct.id}/messages"

    answers = together(*[lambda: client.post(path, {"id": str(ID), "body": "hi"})] * 20)

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_use_of_an_id_in_two_conversations_creates_one_message(
    alice, direct, group, membership, together
):
    members = [membership(alice, direct), membership(alice, group)] * 5

    answers = together(
        *(
            lambda member=member: send_message(membership=member, body="hi", message_id=ID)[1]
            for member in members
        )
    )

    assert answers.count(True) == 1
    assert [type(answer) for answer in answers].count(IdIsTaken) == 5
    assert Message.objects.filter(kind="text").count() == 1
