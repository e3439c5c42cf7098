"""How many queries each answer of the conversations API takes, whatever there is to answer."""

from __future__ import annotations

import pytest

from conversations.services import start_direct, start_group
from messaging.services import react


@pytest.fixture
def busy_chats(alice, crowd, say, membership):
    """busy_chats(50) gives alice direct chats that end with a reply to which she reacted."""

    def make(number):
        for name in crowd(number):
            chat, _is_new = start_direct(user=alice, username=name)
            reply = say(alice, chat, reply_to=say(alice, chat).id)
            react(membership=membership(alice, chat), message_id=reply.id, emoji="👍")

    return make


@pytest.mark.parametrize(
    ("queries", "method", "path", "body"),
    [
        (8, "post", "", {"kind": "direct", "members": ["bob"]}),
        (16, "post", "", {"kind": "direct", "members": ["erin"]}),
        (20, "post", "", {"kind": "group", "title": "Roof", "members": ["bob", "carol", "erin"]}),
        (6, "get", "/{group}", None),
        (14, "patch", "/{group}", {"title": "Allotment"}),
        (5, "patch", "/{group}/settings", {"pinned": True, "archived": True}),
        (19, "post", "/{group}/members", {"members": ["erin", "mallory"]}),
        (11, "patch", "/{group}/members/bob", {"role": "admin"}),
        (12, "delete", "/{group}/members/bob", None),
        (17, "delete", "/{group}/members/alice", None),
    ],
)
def test_an_answer_has_its_price(
    program, person, alice, mallory, direct, group, costs, queries, method, path, body
):
    person("erin")
    client = program(alice)

    with costs(queries):
        answer = getattr(client, method)(f"/conversations{path.format(group=group.id)}", body)

    assert answer.status_code in (200, 201, 204)


@pytest.mark.parametrize("number", [1, 50])
def test_the_list_costs_the_same_for_one_and_for_fifty(program, alice, busy_chats, costs, number):
    client = program(alice)
    busy_chats(number)

    with costs(6):
        answer = client.get("/conversations")

    assert len(answer.json()["results"]) == number


@pytest.mark.parametrize("others", [2, 255])
def test_a_group_costs_the_same_for_three_and_for_256(program, alice, crowd, costs, others):
    group = start_group(user=alice, title="Big", usernames=crowd(others))
    client = program(alice)

    with costs(6):
        answer = client.get(f"/conversations/{group.id}")

    assert len(answer.json()["members"]) == others + 1
