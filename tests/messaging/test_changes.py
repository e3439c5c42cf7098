"""Catch-up: the changes of a conversation since a version."""

from __future__ import annotations

import json

import pytest

from conversations.services import add_members
from messaging import services


@pytest.fixture
def missed(program, bob, direct):
    """missed(3) returns the changes of the direct chat since version 3, as Bob sees them."""
    client = program(bob)

    def ask(since):
        return client.get(f"/conversations/{direct.id}/changes", {"since": since}).json()

    return ask


@pytest.fixture
def mine(alice, direct, membership):
    """Return Alice's membership in the direct chat as it is now."""
    return lambda: membership(alice, direct)


def outline(changes):
    return [(message["seq"], message["version"]) for message in changes["messages"]]


def test_since_zero_returns_all_messages(missed, alice, direct, say):
    say(alice, direct, "one")
    say(alice, direct, "two")

    changes = missed(0)

    assert outline(changes) == [(1, 1), (2, 2)]
    assert [message["body"] for message in changes["messages"]] == ["one", "two"]
    assert (changes["version"], changes["more"]) == (2, False)


def test_current_version_returns_no_changes(missed, alice, direct, say):
    say(alice, direct)

    assert missed(1) == {"messages": [], "version": 1, "more": False}


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (lambda target: services.edit_message(**target, body="ho"), "edited_at"),
        (lambda target: services.delete_message(**target), "deleted_at"),
        (lambda target: services.react(**target, emoji="👍"), "reactions"),
    ],
)
def test_edit_deletion_and_reaction_are_changes(missed, alice, direct, say, mine, act, field):
    first, _second = say(alice, direct), say(alice, direct)
    assert not missed(0)["messages"][0][field]

    act({"membership": mine(), "message_id": first.id})

    changes = missed(2)
    assert outline(changes) == [(1, 3)]
    assert changes["messages"][0][field]


def test_removed_reaction_is_a_change(missed, alice, direct, say, mine):
    message = say(alice, direct)
    services.react(membership=mine(), message_id=message.id, emoji="👍")

    services.withdraw_reaction(membership=mine(), message_id=message.id, emoji="👍")

    assert outline(missed(2)) == [(1, 3)]
    assert missed(2)["messages"][0]["reactions"] == []


def test_message_that_changed_twice_is_listed_once_at_its_newest_version(
    missed, alice, direct, say, mine
):
    first, _second = say(alice, direct), say(alice, direct)
    for body in ("ho", "hm"):
        services.edit_message(membership=mine(), message_id=first.id, body=body)

    assert outline(missed(0)) == [(2, 2), (1, 4)]
    assert missed(3)["version"] == 4


def test_many_changes_are_returned_in_pages(missed, alice, direct, say):
    for _ in range(205):
        say(alice, direct)

    pages = [missed(0)]
    while pages[-1]["more"]:
        pages.append(missed(pages[-1]["version"]))

    assert [page["version"] for page in pages] == [100, 200, 205]
    seqs = [seq for page in pages for seq, _version in outline(page)]
    assert seqs == list(range(1, 206))


def test_full_last_page_announces_no_more(missed, alice, direct, say):
    for _ in range(100):
        say(alice, direct)

    assert (len(missed(0)["messages"]), missed(0)["more"]) == (100, False)


def test_version_above_the_current_one_returns_the_current_version(missed, alice, direct, say):
    say(alice, direct)

    assert missed(99) == {"messages": [], "version": 1, "more": False}


def test_new_member_receives_no_changes_of_older_messages(
    program, person, alice, group, say, membership
):
    early = say(alice, group, "early")
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])
    services.edit_message(membership=membership(alice, group), message_id=early.id, body="later")

    changes = program(erin).get(f"/conversations/{group.id}/changes?since=0").json()

    assert outline(changes) == [(5, 5)]
    assert (changes["version"], changes["more"]) == (6, False)


@pytest.mark.parametrize(
    "query", [{}, {"since": "-1"}, {"since": "x"}, {"since": ""}, {"since": "1.0"}]
)
def test_invalid_since_is_refused(program, bob, direct, query):
    answer = program(bob).get(f"/conversations/{direct.id}/changes", query)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["since"])


def test_response_is_limited_to_the_size_of_a_frame(missed, alice, direct, say):
    for _ in range(30):
        say(alice, direct, "😀" * 4096)

    received, since, more = [], 0, True
    while more:
        changes = missed(since)
        assert len(json.dumps(changes)) < 1024 * 1024
        received += outline(changes)
        since, more = changes["version"], changes["more"]

    assert received == [(number, number) for number in range(1, 31)]
    assert since == 30


def test_change_larger_than_a_frame_is_returned_alone(missed, monkeypatch, alice, direct, say):
    monkeypatch.setattr("chatflow.live.encoding.FRAME_CHARACTERS", 10)
    say(alice, direct, "one")
    say(alice, direct, "two")

    assert outline(missed(0)) == [(1, 1)]
    assert missed(0)["more"]
    assert outline(missed(1)) == [(2, 2)]
    assert not missed(1)["more"]
