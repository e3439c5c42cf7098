"""How many queries each answer of the messages API takes, whatever there is to answer."""

from __future__ import annotations

import uuid

import pytest

from conversations.services import start_group
from messaging.receipts import acknowledge
from messaging.services import react


@pytest.fixture
def message(alice, group, say, membership):
    """A reply to which alice reacted."""
    reply = say(alice, group, "hi", reply_to=say(alice, group).id)
    react(membership=membership(alice, group), message_id=reply.id, emoji="👍")
    return reply


@pytest.mark.parametrize(
    ("queries", "method", "path", "body"),
    [
        (5, "get", "/messages", None),
        (5, "get", "/messages?before=6", None),
        (7, "get", "/messages?around=4", None),
        (5, "get", "/changes?since=0", None),
        (6, "get", "/messages/{message}/receipts", None),
        (10, "post", "/messages", {"body": "hi"}),  # one of them extends the search's index
        (16, "patch", "/messages/{message}", {"body": "ho"}),
        (16, "delete", "/messages/{message}", None),
        (15, "put", "/messages/{message}/reactions/🌻", None),
        (9, "put", "/messages/{message}/reactions/👍", None),
        (14, "delete", "/messages/{message}/reactions/👍", None),
        (2, "post", "/receipts", {"read_seq": 1}),
    ],
)
def test_an_answer_has_its_price(
    program, alice, group, message, costs, queries, method, path, body
):
    client = program(alice)
    where = f"/conversations/{group.id}{path.format(message=message.id)}"

    with costs(queries):
        answer = getattr(client, method)(where, body)

    assert answer.status_code in (200, 201, 204)


def test_a_reply(program, alice, direct, say, costs):
    client, reply = program(alice), {"body": "hi", "reply_to": str(say(alice, direct).id)}

    with costs(12):
        client.post(f"/conversations/{direct.id}/messages", reply)


def test_a_retry(program, alice, direct, costs):
    client, again = program(alice), {"id": str(uuid.uuid4()), "body": "hi"}
    client.post(f"/conversations/{direct.id}/messages", again)

    with costs(11):
        client.post(f"/conversations/{direct.id}/messages", again)


def test_reading_what_others_have_not_read(program, bob, group, message, costs):
    client = program(bob)

    with costs(4):
        client.post(f"/conversations/{group.id}/receipts", {"read_seq": 5})


def test_reading_what_all_others_have_read(
    program, alice, carol, bob, group, message, membership, costs
):
    for user in (alice, carol):
        acknowledge(membership=membership(user, group), read_seq=5)
    client = program(bob)

    with costs(9):
        client.post(f"/conversations/{group.id}/receipts", {"read_seq": 5})


@pytest.mark.parametrize("number", [1, 50])
def test_history_costs_the_same_for_one_and_for_fifty(
    program, alice, bob, group, say, membership, costs, number
):
    for _ in range(number):
        reply = say(alice, group, reply_to=say(bob, group).id)
        for user in (alice, bob):
            react(membership=membership(user, group), message_id=reply.id, emoji="👍")
    client = program(alice)

    with costs(5):
        client.get(f"/conversations/{group.id}/messages?limit=100")
    with costs(5):
        client.get(f"/conversations/{group.id}/changes?since=0")


@pytest.mark.parametrize("others", [2, 255])
def test_sending_costs_the_same_to_three_and_to_256(program, alice, crowd, costs, others):
    group = start_group(user=alice, title="Big", usernames=crowd(others))
    client = program(alice)

    with costs(11):
        sent = client.post(f"/conversations/{group.id}/messages", {"body": "hi"}).json()
    with costs(5):
        client.get(f"/conversations/{group.id}/messages/{sent['id']}/receipts")
