"""What somebody has missed, by version."""

from __future__ import annotations

import pytest

from conversations.services import add_members
from messaging import services


@pytest.fixture
def missed(program, bob, direct):
    """missed(since=3) answers what bob has missed of the direct chat."""
    client = program(bob)

    def ask(since):
        return client.get(f"/conversations/{direct.id}/changes", {"since": since}).json()

    return ask


@pytest.fixture
def mine(alice, direct, membership):
    """alice's right to be there, as of now."""
    return lambda: membership(alice, direct)


def outline(changes):
    return [(message["seq"], message["version"]) for message in changes["messages"]]


def test_whoever_has_nothing_misses_all(missed, alice, direct, say):
    say(alice, direct, "one")
    say(alice, direct, "two")

    changes = missed(0)

    assert outline(changes) == [(1, 1), (2, 2)]
    assert [message["body"] for message in changes["messages"]] == ["one", "two"]
    assert (changes["version"], changes["more"]) == (2, False)


def test_whoever_is_up_to_date_misses_nothing(missed, alice, direct, say):
    say(alice, direct)

    assert missed(1) == {"messages": [], "version": 1, "more": False}


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (lambda how: services.edit_message(**how, body="ho"), "edited_at"),
        (lambda how: services.delete_message(**how), "deleted_at"),
        (lambda how: services.react(**how, emoji="👍"), "reactions"),
    ],
)
def test_second_thoughts_are_changes(missed, alice, direct, say, mine, act, field):
    first, _second = say(alice, direct), say(alice, direct)
    assert not missed(0)["messages"][0][field]

    act({"membership": mine(), "message_id": first.id})

    changes = missed(2)
    assert outline(changes) == [(1, 3)]
    assert changes["messages"][0][field]


def test_a_withdrawn_reaction_is_a_change(missed, alice, direct, say, mine):
    message = say(alice, direct)
    services.react(membership=mine(), message_id=message.id, emoji="👍")

    services.withdraw_reaction(membership=mine(), message_id=message.id, emoji="👍")

    assert outline(missed(2)) == [(1, 3)]
    assert missed(2)["messages"][0]["reactions"] == []


def test_a_message_that_changed_twice_is_listed_once_at_its_newest(
    missed, alice, direct, say, mine
):
    first, _second = say(alice, direct), say(alice, direct)
    for body in ("ho", "hm"):
        services.edit_message(membership=mine(), message_id=first.id, body=body)

    assert outline(missed(0)) == [(2, 2), (1, 4)]
    assert missed(3)["version"] == 4


def test_a_long_absence_comes_in_pages(missed, alice, direct, say):
    for _ in range(205):
        say(alice, direct)

    pages = [missed(0)]
    while pages[-1]["more"]:
        pages.append(missed(pages[-1]["version"]))

    assert [page["version"] for page in pages] == [100, 200, 205]
    seqs = [seq for page in pages for seq, _version in outline(page)]
    assert seqs == list(range(1, 206))


def test_a_full_last_page_says_that_it_is_the_last(missed, alice, direct, say):
    for _ in range(100):
        say(alice, direct)

    assert (len(missed(0)["messages"]), missed(0)["more"]) == (100, False)


def test_a_client_that_is_ahead_is_told_where_things_stand(missed, alice, direct, say):
    say(alice, direct)

    assert missed(99) == {"messages": [], "version": 1, "more": False}


def test_a_newcomer_misses_nothing_from_before_joining(
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
def test_since_is_a_version(program, bob, direct, query):
    answer = program(bob).get(f"/conversations/{direct.id}/changes", query)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["since"])
