"""Sending the same message again: a retry has one effect."""

from __future__ import annotations

import uuid

import pytest

from conversations.services import add_members, remove_member
from messaging.models import Message
from messaging.serializers import message_json
from messaging.services import IdIsTaken, delete_message, edit_message, send_message

ID = uuid.uuid4()


def test_resending_is_one_message(program, alice, direct):
    client, path = program(alice), f"/conversations/{direct.id}/messages"

    first = client.post(path, {"id": str(ID), "body": "hi"})
    again = client.post(path, {"id": ID.hex.upper(), "body": " hi "})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Message.objects.count() == 1


def test_resending_is_no_activity_and_tells_what_may_not_have_been_told(
    alice, direct, say, announced
):
    with announced() as told:
        say(alice, direct, message_id=ID)
    direct.refresh_from_db()
    before = (direct.active_at, direct.version, direct.last_seq)

    with announced() as events:
        say(alice, direct, message_id=ID)

    direct.refresh_from_db()
    assert events == told
    assert (direct.active_at, direct.version, direct.last_seq) == before


def test_resending_a_reply_is_one_message(alice, direct, say):
    quoted = say(alice, direct)

    reply = say(alice, direct, message_id=ID, reply_to=quoted.id)

    assert message_json(say(alice, direct, message_id=ID, reply_to=quoted.id)) == message_json(
        reply
    )


def test_bob_who_came_back_may_resend_a_reply_to_what_he_sees_no_more(
    alice, bob, group, say, membership
):
    quoted = say(alice, group)
    reply = say(bob, group, message_id=ID, reply_to=quoted.id)
    remove_member(membership=membership(alice, group), username="bob")
    add_members(membership=membership(alice, group), usernames=["bob"])

    assert say(bob, group, message_id=ID, reply_to=quoted.id) == reply


def test_the_same_id_with_another_text_is_a_conflict(program, alice, direct, say):
    say(alice, direct, "hi", message_id=ID)

    answer = program(alice).post(
        f"/conversations/{direct.id}/messages", {"id": str(ID), "body": "ho"}
    )

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:chatflow:id_is_taken")
    assert Message.objects.get().body == "hi"


def test_the_same_id_as_a_reply_is_a_conflict(alice, direct, say):
    quoted = say(alice, direct)
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(alice, direct, message_id=ID, reply_to=quoted.id)


def test_bob_cannot_use_an_id_of_alices(alice, bob, direct, say):
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(bob, direct, message_id=ID)


def test_an_id_is_taken_in_every_conversation(alice, direct, group, say):
    say(alice, direct, message_id=ID)

    with pytest.raises(IdIsTaken):
        say(alice, group, message_id=ID)


def test_a_notice_lends_its_id_to_nobody(alice, group, say):
    with pytest.raises(IdIsTaken):
        say(alice, group, message_id=Message.objects.first().id)


def test_resending_after_an_edit_answers_the_edited_message(alice, direct, say, membership):
    say(alice, direct, "hi", message_id=ID)
    edit_message(membership=membership(alice, direct), message_id=ID, body="ho")

    assert say(alice, direct, "hi", message_id=ID).body == "ho"


def test_resending_after_deletion_answers_the_tombstone(alice, direct, say, membership):
    say(alice, direct, "hi", message_id=ID)
    delete_message(membership=membership(alice, direct), message_id=ID)

    assert say(alice, direct, "hi", message_id=ID).is_deleted


def test_bob_who_was_removed_cannot_even_resend(program, alice, bob, group, say, membership):
    say(bob, group, "hi", message_id=ID)
    remove_member(membership=membership(alice, group), username="bob")

    answer = program(bob).post(f"/conversations/{group.id}/messages", {"id": str(ID), "body": "hi"})

    assert answer.status_code == 404


@pytest.mark.django_db(transaction=True)
def test_twenty_retries_at_once_are_one_message(program, alice, direct, together):
    client, path = program(alice), f"/conversations/{direct.id}/messages"

    answers = together(*[lambda: client.post(path, {"id": str(ID), "body": "hi"})] * 20)

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_id_in_two_conversations_at_once_is_in_one(alice, direct, group, membership, together):
    rights = [membership(alice, direct), membership(alice, group)] * 5

    answers = together(
        *(
            lambda right=right: send_message(membership=right, body="hi", message_id=ID)[1]
            for right in rights
        )
    )

    assert answers.count(True) == 1
    assert [type(answer) for answer in answers].count(IdIsTaken) == 5
    assert Message.objects.filter(kind="text").count() == 1
