"""Reacting to a message with an emoji."""

from __future__ import annotations

import itertools
import json
from urllib.parse import quote

import pytest
from django.conf import settings

from conversations.services import add_members
from messaging.models import Message, Reaction
from messaging.services import BadEmoji, delete_message, good_emoji, react


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


def test_member_adds_a_reaction(program, bob, message):
    answer = give(program(bob), message, "👍")

    assert (answer.status_code, answer.json()["version"]) == (200, message.version + 1)
    assert answer.json()["reactions"] == [{"emoji": "👍", "users": ["bob"]}]


def test_user_adds_at_most_ten_reactions_to_a_message(program, bob, carol, message):
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


def test_reactions_are_ordered_by_their_first_use(program, alice, bob, carol, message):
    give(program(bob), message, "👍")
    give(program(carol), message, "🌻")
    give(program(bob), message, "🌻")

    assert give(program(alice), message, "👍").json()["reactions"] == [
        {"emoji": "👍", "users": ["bob", "alice"]},
        {"emoji": "🌻", "users": ["carol", "bob"]},
    ]


def test_adding_a_reaction_twice_has_no_further_effect(program, bob, message, announced):
    first = give(program(bob), message, "👍")

    with announced() as events:
        again = give(program(bob), message, "👍")

    assert (again.status_code, again.json(), events) == (200, first.json(), [])


def test_removing_a_reaction_keeps_those_of_others(program, bob, carol, message):
    for user in (bob, carol):
        give(program(user), message, "👍")

    answer = withdraw(program(bob), message, "👍")

    assert answer.status_code == 200
    assert answer.json()["reactions"] == [{"emoji": "👍", "users": ["carol"]}]


def test_removing_a_missing_reaction_changes_nothing(program, bob, message, announced):
    with announced() as events:
        answer = withdraw(program(bob), message, "👍")

    assert (answer.status_code, answer.json()["version"], events) == (200, message.version, [])


def offered() -> list[str]:
    """Return all emoji of the German picker with their skin tones, except single components."""
    (file,) = settings.BASE_DIR.glob("static/vendor/emoji-picker-element-*/de.json")
    entries = [entry for entry in json.loads(file.read_text()) if entry["group"] != 2]
    skins = [skin["emoji"] for entry in entries for skin in entry.get("skins", ())]
    return [entry["emoji"] for entry in entries] + skins


def test_every_emoji_of_the_picker_is_accepted():
    assert len(offered()) > 3900
    assert [emoji for emoji in offered() if good_emoji(emoji, used=()) != emoji] == []


def test_two_emoji_are_not_accepted_as_one():
    refused = [pair for pair in itertools.pairwise(offered()) if is_emoji("".join(pair))]

    assert refused == []


def is_emoji(text: str) -> bool:
    try:
        return bool(good_emoji(text, used=()))
    except BadEmoji:
        return False


@pytest.mark.parametrize(
    "emoji",
    ["👍", "👍🏽", "❤️", "❤", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪", "1️⃣", "#️⃣", "©️", "‼️", "ℹ️", "🫩", "\U0001faea"],
)
def test_single_emoji_are_accepted(program, bob, message, emoji):
    assert give(program(bob), message, emoji).json()["reactions"][0]["emoji"] == emoji


@pytest.mark.parametrize("emoji", ["❤️", "❤", "❤\ufe0e"])
def test_spellings_that_differ_in_variation_selectors_are_one_reaction(
    program, bob, carol, message, emoji
):
    give(program(bob), message, "❤️")

    shown = give(program(carol), message, emoji).json()["reactions"]
    left = withdraw(program(bob), message, emoji).json()["reactions"]

    assert shown == [{"emoji": "❤️", "users": ["bob", "carol"]}]
    assert left == [{"emoji": "❤️", "users": ["carol"]}]


NO_EMOJI = (
    "a", "ok", "<b>", "7", "#", "é", "漢", "→", "√", "♩", "🅷🅸", "😀123", "👍!", "👍 ", "👍a",
    "👍👎😀", "😀😀", "👍" * 33, "🇩", "🇩🇪🇫🇷", "🏽", "🦰", "\u200d👍", "👍\u200d", "\u20e3",
    "1\u20e3\u20e3", "\U0001faff", "\uffff", "\ufdd0",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_EMOJI)
def test_anything_but_one_emoji_is_refused(program, bob, message, text):
    assert give(program(bob), message, text).status_code == 400


@pytest.mark.parametrize(
    "text", ["\0", "👍\0", "\u200d", "🌻\u202e", "🌻\n", "\ufeff", "\u2003", "\ufe0f"]
)
def test_invisible_characters_are_refused(program, bob, message, text):
    client = program(bob)

    assert give(client, message, text).status_code == 400
    assert withdraw(client, message, text).status_code == 400
    assert not Reaction.objects.exists()


def test_deleted_message_cannot_receive_reactions(program, alice, bob, group, message, membership):
    delete_message(membership=membership(alice, group), message_id=message.id)

    assert give(program(bob), message, "👍").status_code == 403


def test_new_member_cannot_react_to_an_older_message(
    program, person, alice, group, message, membership
):
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])

    assert give(program(erin), message, "👍").status_code == 404


def test_all_members_receive_the_reaction(bob, group, message, membership, announced):
    with announced() as events:
        react(membership=membership(bob, group), message_id=message.id, emoji="👍")

    [event] = events
    fact = json.loads(event.json)
    assert (event.topic, event.version) == (f"conversation.{group.id}", message.version + 1)
    assert fact["type"] == "message.updated"
    assert fact["message"]["reactions"] == [{"emoji": "👍", "users": ["bob"]}]


@pytest.mark.django_db(transaction=True)
def test_concurrent_equal_reactions_create_one(bob, group, message, membership, together):
    bobs = membership(bob, group)

    together(*[lambda: react(membership=bobs, message_id=message.id, emoji="👍")] * 10)

    assert Reaction.objects.count() == 1
    assert Message.objects.get(id=message.id).version == message.version + 1
