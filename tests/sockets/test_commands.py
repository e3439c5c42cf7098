"""What clients may ask, what they are answered, and what does not bring a socket down."""

from __future__ import annotations

import uuid

import pytest

from accounts.services import update_profile
from chatflow.sockets import in_thread
from messaging.commands import COMMANDS
from messaging.models import Message
from tests.sockets.conftest import BatchClient

pytestmark = pytest.mark.django_db(transaction=True)


def new_id() -> str:
    return str(uuid.uuid4())


# Sending


async def test_alice_sends_and_everybody_hears_it_she_included(connect, alice, bob, direct):
    phone, laptop, other = await connect(alice), await connect(alice), await connect(bob)
    name = new_id()

    ack = await phone.ask("message.send", conversation=str(direct.id), id=name, body=" hello ")

    assert ack["type"] == "ack"
    assert (ack["message"]["id"], ack["message"]["body"]) == (name, "hello")
    for client in (phone, laptop, other):
        event = next(
            (each for each in client.heard if each["type"] == "message.created"), None
        ) or await client.hear("message.created")
        assert event == {
            "type": "message.created",
            "conversation": str(direct.id),
            "version": 1,
            "message": ack["message"],
        }


async def test_alice_replies(connect, say, alice, bob, direct):
    question = await in_thread(say, bob, direct, "how are you?")
    client = await connect(alice)

    ack = await client.ask(
        "message.send",
        conversation=str(direct.id),
        id=new_id(),
        body="well",
        reply_to=str(question.id),
    )

    assert ack["message"]["reply_to"]["body"] == "how are you?"


async def test_sending_again_is_one_message(connect, alice, direct):
    client = await connect(alice)
    sent = {"conversation": str(direct.id), "id": new_id(), "body": "hello"}

    first = await client.ask("message.send", **sent)
    again = await client.ask("message.send", **sent)
    other = await client.ask("message.send", **sent | {"body": "other"})

    assert again["message"] == first["message"]
    assert (other["type"], other["status"]) == ("error", 409)


NO_MESSAGES = [
    {"body": ""},
    {"body": "x" * 4097},
    {"body": "a\0b"},
    {"body": "\ud800"},
    {"body": None},
    {"body": ["hello"]},
    {"id": "x"},
    {"id": None},
    {"id": 10**400},
    {"reply_to": "x"},
    {"reply_to": new_id()},
]


async def test_what_is_no_message_is_a_400(connect, alice, direct):
    client = await connect(alice)
    good = {"conversation": str(direct.id), "id": new_id(), "body": "hello"}

    for wrong in NO_MESSAGES:
        error = await client.ask("message.send", **good | wrong)
        assert (error["type"], error["status"], error["title"]) == ("error", 400, "Bad Request")
        assert error["detail"]

    assert not await in_thread(Message.objects.exists)
    assert (await client.ask("message.send", **good))["type"] == "ack"


# Receipts, typing, changes


async def test_bob_has_read_it_and_alice_is_told(connect, say, alice, bob, direct):
    await in_thread(say, alice, direct)
    alices, bobs, bobs_other = await connect(alice), await connect(bob), await connect(bob)

    ack = await bobs.ask("receipt", conversation=str(direct.id), read_seq=10**30)

    assert ack["type"] == "ack"
    receipt = await alices.hear("receipt")
    assert receipt == {
        "type": "receipt",
        "conversation": str(direct.id),
        "delivered_seq": 1,
        "read_seq": 1,
    }
    update = await bobs_other.hear("membership.updated")
    assert (update["unread_count"], update["membership"]["read_seq"]) == (0, 1)


async def test_what_is_no_receipt_is_a_400(connect, bob, direct):
    client = await connect(bob)

    for wrong in ({}, {"read_seq": -1}, {"read_seq": "x"}, {"read_seq": [1]}):
        error = await client.ask("receipt", conversation=str(direct.id), **wrong)
        assert error["status"] == 400


async def test_bob_sees_that_alice_types_and_has_stopped(connect, alice, bob, direct):
    alices, bobs = await connect(alice), await connect(bob)

    for active in (True, False):
        await alices.ask("typing", conversation=str(direct.id), active=active)

        assert await bobs.hear("typing") == {
            "type": "typing",
            "conversation": str(direct.id),
            "user": {"id": str(alice.id), "username": "alice", "display_name": "Alice"},
            "active": active,
        }


async def test_alice_types_under_her_new_name(connect, alice, bob, direct):
    alices, bobs = await connect(alice), await connect(bob)

    await in_thread(lambda: update_profile(user=alice, display_name="Alice B."))
    told = await alices.hear("ready")
    await alices.ask("typing", conversation=str(direct.id), active=True)

    assert told["user"]["display_name"] == "Alice B."
    assert (await bobs.hear("typing"))["user"]["display_name"] == "Alice B."


@pytest.mark.parametrize("active", ["y", 1, None, []])
async def test_typing_or_not_is_true_or_false(connect, alice, direct, active):
    client = await connect(alice)

    answer = await client.ask("typing", conversation=str(direct.id), active=active)

    assert (answer["type"], answer["status"]) == ("error", 400)


async def test_bob_asks_what_he_has_missed(connect, say, alice, bob, direct):
    for number in range(3):
        await in_thread(say, alice, direct, str(number))
    client = await connect(bob)

    ack = await client.ask("changes", conversation=str(direct.id), since=1)
    ahead = await client.ask("changes", conversation=str(direct.id), since=100)

    assert [message["body"] for message in ack["messages"]] == ["1", "2"]
    assert (ack["version"], ack["more"]) == (3, False)
    assert (ahead["messages"], ahead["version"]) == ([], 3)


async def test_a_strange_since_is_a_400(connect, bob, direct):
    client = await connect(bob)

    for since in (None, -1, "x", 1.5, 2**70, [], True):
        error = await client.ask("changes", conversation=str(direct.id), since=since)
        assert error["status"] == 400


# Whatever may come in a frame


NO_FRAMES = [
    "",
    "hello",
    "{",
    "null",
    "5",
    '"text"',
    "[]",
    '[{"type": "ping", "ref": 1}]',
    "[" * 60_000,
    '{"a":' * 10_000,
    '{"type": "ping", "ref": NaN}',
    '{"type": "ping", "ref": ' + "9" * 5000 + "}",
    "\0",
]


async def test_what_is_no_frame_is_a_400_and_the_socket_stays_open(connect, alice):
    client = await connect(alice)

    for text in NO_FRAMES:
        await client.say_text(text)
        error = await client.next()
        assert (error["type"], error["ref"], error["status"]) == ("error", None, 400)

    assert (await client.ask("ping"))["type"] == "ack"


async def test_a_binary_frame_is_a_400_and_the_socket_stays_open(connect, alice):
    client = await connect(alice)

    await client.say_bytes(b'{"type": "ping"}')

    assert (await client.next())["status"] == 400
    assert (await client.ask("ping"))["type"] == "ack"


async def test_an_unknown_command_is_a_400(connect, alice):
    client = await connect(alice)

    for name in ("nonsense", "", None, 5, [], {}, "__class__"):
        error = await client.ask(name)
        assert (error["type"], error["status"]) == ("error", 400)


async def test_every_scalar_ref_comes_back(connect, alice):
    client = await connect(alice)

    for ref in ("x", "", "\ud800", "\0", 0, -1, 1.5, 10**4000, True, False, None):
        await client.say({"type": "ping", "ref": ref})
        await client.say({"type": "nonsense", "ref": ref})

        assert await client.next() == {"type": "ack", "ref": ref}
        error = await client.next()
        assert (error["type"], error["ref"]) == ("error", ref)


async def test_a_ref_that_cannot_come_back_is_a_400_and_nothing_is_done(connect, alice, direct):
    client = await connect(alice)

    for ref in ("[1]", '{"a": 1}', "1e999"):
        await client.say_text(
            f'{{"type": "message.send", "conversation": "{direct.id}", "id": "{new_id()}",'
            f' "body": "hello", "ref": {ref}}}'
        )
        error = await client.next()
        assert (error["type"], error["ref"], error["status"]) == ("error", None, 400)

    assert not await in_thread(Message.objects.exists)


IN_A_CONVERSATION = {
    "message.send": {"id": new_id(), "body": "hello"},
    "receipt": {"read_seq": 1},
    "typing": {"active": True},
    "changes": {"since": 0},
}


async def test_what_is_not_mallory_s_does_not_exist(connect, mallory, direct):
    client = await connect(mallory)
    names = [str(direct.id), new_id(), "x", "", None, 5, [], {"a": 1}, "\0", "é" * 32]

    answers = [
        await client.ask(command, **fields, **where)
        for command, fields in IN_A_CONVERSATION.items()
        for where in [{}, *({"conversation": name} for name in names)]
    ]

    assert {answer["status"] for answer in answers} == {404}
    assert len({repr(sorted((answer | {"ref": 0}).items())) for answer in answers}) == 1


async def test_what_breaks_on_our_side_is_a_500_and_the_socket_stays_open(
    connect, alice, monkeypatch, caplog
):
    monkeypatch.setitem(COMMANDS, "break", lambda user, frame: 1 / 0)
    client = await connect(alice)

    error = await client.ask("break")

    assert (error["type"], error["status"]) == ("error", 500)
    assert "ZeroDivisionError" in caplog.text
    assert (await client.ask("ping"))["type"] == "ack"


async def test_one_after_the_other_is_answered_in_order(connect, alice):
    client = await connect(alice)

    for ref in range(50):
        await client.say({"type": "ping" if ref % 2 else "nonsense", "ref": ref})

    assert [(await client.next())["ref"] for _ in range(50)] == list(range(50))


# Arrays, for those who asked for them


async def test_an_array_of_commands_is_answered_by_an_array(connect, alice, direct):
    client = await connect(alice, BatchClient)

    await client.say([{"type": "ping", "ref": 1}, {"type": "nonsense", "ref": 2}, 5])
    answers = [await client.next() for _ in range(3)]

    assert [(answer["type"], answer["ref"]) for answer in answers] == [
        ("ack", 1),
        ("error", 2),
        ("error", None),
    ]


async def test_what_is_no_array_of_commands_is_a_400(connect, alice):
    client = await connect(alice, BatchClient)

    for text in ("[]", "{}", "5", "", "[[]]"):
        await client.say_text(text)
        assert (await client.next())["status"] == 400

    assert (await client.ask("ping"))["type"] == "ack"


async def test_events_come_in_arrays_and_in_order(connect, say, alice, bob, direct):
    client = await connect(bob, BatchClient)

    for number in range(20):
        await in_thread(say, alice, direct, str(number))

    heard = [(await client.hear("message.created"))["version"] for _ in range(20)]
    assert heard == list(range(1, 21))
