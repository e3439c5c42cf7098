"""Reading a conversation's history in pages."""

from __future__ import annotations

import pytest

from conversations.services import add_members


@pytest.fixture
def read(program):
    """read(alice, direct, before=4) returns (seqs, has_before, has_after)."""

    def ask(user, conversation, **query):
        answer = program(user).get(f"/conversations/{conversation.id}/messages", query)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        seqs = [message["seq"] for message in page["results"]]
        return seqs, page["has_before"], page["has_after"]

    return ask


@pytest.fixture
def ten(alice, direct, say):
    for number in range(10):
        say(alice, direct, str(number))


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], False, False)),
        ({"limit": 3}, ([8, 9, 10], True, False)),
        ({"before": 4, "limit": 2}, ([2, 3], True, True)),
        ({"before": 3, "limit": 2}, ([1, 2], False, True)),
        ({"before": 1}, ([], False, True)),
        ({"before": 0}, ([], False, True)),
        ({"before": 11, "limit": 1}, ([10], True, False)),
        ({"before": 2**62, "limit": 1}, ([10], True, False)),
        ({"after": 0, "limit": 2}, ([1, 2], False, True)),
        ({"after": 7, "limit": 2}, ([8, 9], True, True)),
        ({"after": 8, "limit": 2}, ([9, 10], True, False)),
        ({"after": 10}, ([], True, False)),
        ({"after": 99}, ([], True, False)),
        ({"around": 5, "limit": 4}, ([3, 4, 5, 6], True, True)),
        ({"around": 5, "limit": 1}, ([5], True, True)),
        ({"around": 1, "limit": 4}, ([1, 2, 3, 4], False, True)),
        ({"around": 0, "limit": 4}, ([1, 2, 3, 4], False, True)),
        ({"around": 10, "limit": 4}, ([8, 9, 10], True, False)),
        ({"around": 99, "limit": 4}, ([9, 10], True, False)),
    ],
)  # fmt: skip
def test_pages_of_ten_messages(read, bob, direct, ten, query, page):
    assert read(bob, direct, **query) == page


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, ([1], False, False)),
        ({"before": 1}, ([], False, True)),
        ({"after": 1}, ([], True, False)),
        ({"around": 1}, ([1], False, False)),
    ],
)
def test_pages_of_a_single_message(read, alice, bob, direct, say, query, page):
    say(alice, direct)

    assert read(bob, direct, **query) == page


@pytest.mark.parametrize("query", [{}, {"before": 5}, {"after": 5}, {"after": 0}, {"around": 5}])
def test_pages_of_an_empty_history(read, bob, direct, query):
    assert read(bob, direct, **query) == ([], False, False)


def test_page_has_fifty_messages_by_default_and_at_most_a_hundred(read, alice, direct, say):
    for _ in range(101):
        say(alice, direct)

    assert read(alice, direct) == (list(range(52, 102)), True, False)
    assert read(alice, direct, limit=100) == (list(range(2, 102)), True, False)


@pytest.mark.parametrize(
    "query",
    [
        {"before": "-1"}, {"after": "x"}, {"around": "1.5"}, {"before": ""}, {"after": "٣"},
        {"before": "9" * 30}, {"after": "0" * 5000}, {"limit": "0"}, {"limit": "101"},
        {"before": "5", "after": "1"}, {"around": "0", "before": "0"},
    ],
)  # fmt: skip
def test_invalid_positions_are_refused(program, bob, direct, query):
    answer = program(bob).get(f"/conversations/{direct.id}/messages", query)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_parameter")


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, ([5, 6], False, False)),
        ({"before": 6}, ([5], False, True)),
        ({"before": 5}, ([], False, True)),
        ({"before": 2}, ([], False, True)),
        ({"after": 0, "limit": 1}, ([5], False, True)),
        ({"around": 2, "limit": 1}, ([5], False, True)),
    ],
)
def test_new_member_sees_only_messages_since_joining(
    read, person, alice, group, say, membership, query, page
):
    say(alice, group, "before")
    erin = person("erin")
    add_members(membership=membership(alice, group), usernames=["erin"])
    say(alice, group, "after")

    assert read(erin, group, **query) == page


def test_returning_member_sees_only_messages_since_returning(
    read, dave, alice, group, say, membership
):
    say(alice, group, "meanwhile")

    add_members(membership=membership(alice, group), usernames=["dave"])

    assert read(dave, group) == ([5], False, False)


def test_all_members_see_the_same_order(program, alice, bob, carol, group, say):
    for user in (alice, bob, carol, bob, alice):
        say(user, group, user.name)

    histories = [
        program(user).get(f"/conversations/{group.id}/messages").json()
        for user in (alice, bob, carol)
    ]

    assert histories[0] == histories[1] == histories[2]
    assert len(histories[0]["results"]) == 8
