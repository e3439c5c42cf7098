"""Listing the members of a conversation in pages."""

from __future__ import annotations

import pytest

from conversations.services import start_group


@pytest.fixture
def pages(program):
    """pages(alice, group, limit=2) follows `next` and returns the usernames of each page."""

    def follow(user, conversation, **query):
        client, cursor, found = program(user), "", []
        while cursor is not None:
            answer = client.get(
                f"/conversations/{conversation.id}/members", query | {"cursor": cursor}
            ).json()
            found.append([member["user"]["username"] for member in answer["results"]])
            cursor = answer["next"]
        return found

    return follow


def test_members_are_listed_by_rank_without_former_ones(pages, bob, group):
    assert pages(bob, group) == [["alice", "carol", "bob"]]


def test_pages_list_every_member_once(pages, alice, crowd):
    names = crowd(24)
    group = start_group(user=alice, title="Large", usernames=names)

    found = pages(alice, group, limit=5)

    assert [len(page) for page in found] == [5] * 5
    assert [name for page in found for name in page] == ["alice", *names]


def test_listed_members_equal_those_of_the_conversation(program, bob, group):
    client = program(bob)

    members = client.get(f"/conversations/{group.id}").json()["members"]

    assert client.get(f"/conversations/{group.id}/members").json()["results"] == members


def test_cursor_of_another_list_is_refused(program, alice, crowd, group):
    other = start_group(user=alice, title="Other", usernames=crowd(3))
    client = program(alice)
    cursor = client.get(f"/conversations/{other.id}/members?limit=1").json()["next"]

    for wrong in (cursor, "x", "MjAyNi0xMS0yMlQwODoxNjozMCswMDowMCA"):
        answer = client.get(f"/conversations/{group.id}/members", {"cursor": wrong})

        assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


def test_member_gets_their_own_settings(program, bob, group):
    client = program(bob)
    changed = client.patch(f"/conversations/{group.id}/settings", {"pinned": True}).json()

    assert client.get(f"/conversations/{group.id}/settings").json() == changed


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "direct", "members": ["carol"]},
        {"kind": "group", "title": "Roof", "members": ["bob", "carol"]},
    ],
)
def test_location_of_a_new_conversation_is_its_url(program, alice, bob, carol, wish):
    client = program(alice)

    created = client.post("/conversations", wish)

    assert created.status_code == 201
    assert client.get(created.headers["Location"]).json() == created.json()
