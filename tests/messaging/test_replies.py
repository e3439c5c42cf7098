"""Replies, which quote another message."""

from __future__ import annotations

import uuid

import pytest

from conversations.services import add_members
from messaging.services import delete_message, edit_message


@pytest.fixture
def reply(program):
    def send(user, conversation, to):
        return program(user).post(
            f"/conversations/{conversation.id}/messages", {"body": "re", "reply_to": to}
        )

    return send


@pytest.fixture
def quote(program, bob, direct):
    """quote() returns the quote in the newest message, as Bob sees it."""

    def see():
        history = program(bob).get(f"/conversations/{direct.id}/messages").json()
        return history["results"][-1]["reply_to"]

    return see


def test_reply_quotes_its_message(reply, alice, bob, direct, say):
    quoted = say(alice, direct, "hi")

    answer = reply(bob, direct, str(quoted.id))

    assert answer.status_code == 201
    assert answer.json()["reply_to"] == {
        "id": str(quoted.id),
        "seq": 1,
        "sender": {
            "id": str(alice.id),
            "username": "alice",
            "display_name": "Alice",
            "avatar_url": None,
        },
        "body": "hi",
    }


def test_reply_to_a_reply_quotes_only_that_reply(reply, alice, bob, direct, say):
    first = say(alice, direct, "one")
    second = say(alice, direct, "two", reply_to=first.id)

    assert reply(bob, direct, str(second.id)).json()["reply_to"]["body"] == "two"


def test_quote_shows_the_edited_text(alice, direct, say, membership, quote):
    quoted = say(alice, direct, "hi")
    say(alice, direct, reply_to=quoted.id)

    edit_message(membership=membership(alice, direct), message_id=quoted.id, body="ho")

    assert quote()["body"] == "ho"


def test_quote_of_a_deleted_message_is_empty(alice, direct, say, membership, quote):
    quoted = say(alice, direct, "oops")
    say(alice, direct, reply_to=quoted.id)

    delete_message(membership=membership(alice, direct), message_id=quoted.id)

    assert (quote()["id"], quote()["body"]) == (str(quoted.id), "")


def test_message_of_another_conversation_cannot_be_quoted(reply, alice, direct, group, say):
    elsewhere, unknown = say(alice, group, "secret"), uuid.uuid4()

    answers = [reply(alice, direct, str(id)) for id in (elsewhere.id, unknown)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json() == answers[1].json()
    assert list(answers[0].json()["errors"]) == ["reply_to"]


def test_new_member_cannot_quote_an_older_message(reply, person, alice, group, say, membership):
    before, erin = say(alice, group), person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])

    assert reply(erin, group, str(before.id)).status_code == 400


def test_null_reply_has_no_quote(reply, alice, direct):
    assert reply(alice, direct, None).json()["reply_to"] is None


@pytest.mark.parametrize("bad", ["x", "", 5, True, [], {"id": "x"}])
def test_invalid_reply_ids_are_refused(reply, alice, direct, bad):
    answer = reply(alice, direct, bad)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["reply_to"])
