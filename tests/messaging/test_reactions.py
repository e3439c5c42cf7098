"""Reacting to a message with an emoji."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from conversations.services import add_members
from messaging.models import Message, Reaction
from messaging.services import delete_message, react


@pytest.fixture
def message(alice, group, say):
    return say(alice, group)


def path(message, emoji):
    where = f"/conversations/{message.conversation_id}/messages/{message.id}"
    return f"{where}/reactions/{quote(emoji, safe='')}"


def give(client, message, emoji):
    return client.put(path(message, emoji))


def withdraw(client, message, emoji):
    return client.delete(path(message, emoji))


def test_bob_reacts(program, bob, message):
    answer = give(program(bob), message, "👍")

    assert (answer.status_code, answer.json()["version"]) == (200, message.version + 1)
    assert answer.json()["reactions"] == [{"emoji": "👍", "users": ["bob"]}]


def test_one_person_gives_a_message_ten_and_no_more(program, bob, carol, message):
    client = program(bob)
    for number in range(10):
        assert give(client, message, chr(0x1F600 + number)).status_code == 200

    refused = give(client, message, "👍")

    assert (refused.status_code, refused.json()["type"]) == (
        403,
        "urn:chatflow:too_many_reactions",
    )
    assert give(client, message, chr(0x1F600)).status_code == 200  # which it has already
    assert give(program(carol), message, "👍").status_code == 200
    withdraw(client, message, chr(0x1F600))
    assert give(client, message, "👍").status_code == 200


def test_reactions_stand_in_the_order_in_which_they_were_first_given(
    program, alice, bob, carol, message
):
    give(program(bob), message, "👍")
    give(program(carol), message, "🌻")
    give(program(bob), message, "🌻")

    assert give(program(alice), message, "👍").json()["reactions"] == [
        {"emoji": "👍", "users": ["bob", "alice"]},
        {"emoji": "🌻", "users": ["carol", "bob"]},
    ]


def test_giving_it_twice_is_once(program, bob, message, announced):
    first = give(program(bob), message, "👍")

    with announced() as events:
        again = give(program(bob), message, "👍")

    assert (again.status_code, again.json(), events) == (200, first.json(), [])


def test_bob_withdraws_his_and_nobody_elses(program, bob, carol, message):
    for user in (bob, carol):
        give(program(user), message, "👍")

    answer = withdraw(program(bob), message, "👍")

    assert answer.status_code == 200
    assert answer.json()["reactions"] == [{"emoji": "👍", "users": ["carol"]}]


def test_withdrawing_what_was_not_given_changes_nothing(program, bob, message, announced):
    with announced() as events:
        answer = withdraw(program(bob), message, "👍")

    assert (answer.status_code, answer.json()["version"], events) == (200, message.version, [])


@pytest.mark.parametrize(
    "emoji", ["👍", "👍🏽", "❤️", "❤", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪", "1️⃣", "#️⃣", "©️", "‼️", "ℹ️", "🫩"]
)
def test_what_is_an_emoji(program, bob, message, emoji):
    assert give(program(bob), message, emoji).json()["reactions"][0]["emoji"] == emoji


@pytest.mark.parametrize(
    "text", ["a", "ok", "<b>", "7", "#", "é", "漢", "👍!", "👍 ", "👍a", "👍" * 33]
)
def test_words_are_none(program, bob, message, text):
    assert give(program(bob), message, text).status_code == 400


@pytest.mark.parametrize(
    "text", ["\0", "👍\0", "\u200d", "🌻\u202e", "🌻\n", "\ufeff", "\u2003", "\ufe0f"]
)
def test_what_nobody_sees_is_none(program, bob, message, text):
    client = program(bob)

    assert give(client, message, text).status_code == 400
    assert withdraw(client, message, text).status_code == 400
    assert not Reaction.objects.exists()


def test_a_deleted_message_gets_no_reactions(program, alice, bob, group, message, membership):
    delete_message(membership=membership(alice, group), message_id=message.id)

    assert give(program(bob), message, "👍").status_code == 403


def test_a_newcomer_does_not_react_to_what_she_does_not_see(
    program, person, alice, group, message, membership
):
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])

    assert give(program(erin), message, "👍").status_code == 404


def test_everybody_is_told(bob, group, message, membership, announced):
    with announced() as events:
        react(membership=membership(bob, group), message_id=message.id, emoji="👍")

    [event] = events
    fact = json.loads(event.json)
    assert (event.topic, event.version) == (f"conversation.{group.id}", message.version + 1)
    assert fact["type"] == "message.updated"
    assert fact["message"]["reactions"] == [{"emoji": "👍", "users": ["bob"]}]


@pytest.mark.django_db(transaction=True)
def test_ten_equal_reactions_at_once_are_one(bob, group, message, membership, together):
    bobs = membership(bob, group)

    together(*[lambda: react(membership=bobs, message_id=message.id, emoji="👍")] * 10)

    assert Reaction.objects.count() == 1
    assert Message.objects.get(id=message.id).version == message.version + 1
