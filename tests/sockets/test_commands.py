"""Commands: their answers, their events, and errors that leave the socket open."""

from __future__ import annotations

import uuid

import pytest

from accounts.services import update_profile
from chatflow.live.sockets import in_thread
from chatflow.server import lifecycle
from conversations.models import Membership
from messaging.models import Message
from messaging.sockets.commands import COMMANDS, MAX_COMMANDS
from tests.sockets.conftest import SECONDS, BatchClient

pytestmark = pytest.mark.django_db(transaction=True)


def new_id() -> str:
    return str(uuid.uuid4())


# Sending


async def test_a_sent_message_reaches_all_members_including_the_sender(connect, alice, bob, direct):
    phone, laptop, other = await connect(alice), await connect(alice), await connect(bob)
    name = new_id()

    ack = await phone.request("message.send", conversation=str(direct.id), id=name, body=" hello ")

    assert ack["type"] == "ack"
    assert (ack["message"]["id"], ack["message"]["body"]) == (name, "hello")
    for client in (phone, laptop, other):
        event = next(
            (each for each in client.received if each["type"] == "message.created"), None
        ) or await client.receive("message.created")
        assert event == {
            "type": "message.created",
            "conversation": str(direct.id),
            "version": 1,
            "message": ack["message"],
        }


async def test_reply_quotes_the_message(connect, say, alice, bob, direct):
    question = await in_thread(say, bob, direct, "how are you?")
    client = await connect(alice)

    ack = await client.request(
        "message.send",
        conversation=str(direct.id),
        id=new_id(),
        body="well",
        reply_to=str(question.id),
    )

    assert ack["message"]["reply_to"]["body"] == "how are you?"


async def test_sending_a_message_twice_stores_it_once(connect, alice, direct):
    client = await connect(alice)
    sent = {"conversation": str(direct.id), "id": new_id(), "body": "hello"}

    first = await client.request("message.send", **sent)
    again = await client.request("message.send", **sent)
    other = await client.request("message.send", **sent | {"body": "other"})

    assert again["message"] == first["message"]
    assert (other["type"], other["status"]) == ("error", 409)


INVALID_MESSAGES = [
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


async def test_invalid_message_answers_400(connect, alice, direct):
    client = await connect(alice)
    good = {"conversation": str(direct.id), "id": new_id(), "body": "hello"}

    for wrong in INVALID_MESSAGES:
        error = await client.request("message.send", **good | wrong)
        assert (error["type"], error["status"], error["title"]) == ("error", 400, "Bad Request")
        assert error["detail"]

    assert not await in_thread(Message.objects.exists)
    assert (await client.request("message.send", **good))["type"] == "ack"


# Receipts, typing, changes


async def test_a_receipt_reaches_the_sender(connect, say, alice, bob, direct):
    await in_thread(say, alice, direct)
    alices, bobs, bobs_other = await connect(alice), await connect(bob), await connect(bob)

    ack = await bobs.request("receipt", conversation=str(direct.id), read_seq=10**30)

    assert ack["type"] == "ack"
    receipt = await alices.receive("receipt")
    assert receipt == {
        "type": "receipt",
        "conversation": str(direct.id),
        "delivered_seq": 1,
        "read_seq": 1,
    }
    update = await bobs_other.receive("membership.updated")
    assert (update["unread_count"], update["membership"]["read_seq"]) == (0, 1)


async def test_receipts_are_gathered_and_acknowledged_once_stored(
    connect, say, alice, bob, direct, monkeypatch
):
    monkeypatch.setattr("messaging.sockets.receipt_gathering.GATHER_SECONDS", 3600)
    monkeypatch.setattr("messaging.sockets.receipt_gathering.MOST_RECEIPTS", 3)
    await in_thread(say, alice, direct)
    alices, bobs, bobs_batch = (
        await connect(alice),
        await connect(bob),
        await connect(bob, BatchClient),
    )
    receipt = {"type": "receipt", "conversation": str(direct.id)}

    await bobs.send(receipt | {"ref": "first", "delivered_seq": 1})
    assert [frame["type"] for frame in await bobs.receive_all()] == []  # only the ping is answered
    assert not await in_thread(has_received, bob)

    await bobs_batch.send([receipt | {"ref": ref, "read_seq": 1} for ref in ("second", "third")])

    assert [(await bobs_batch.receive("ack"))["ref"] for _ in range(2)] == ["second", "third"]
    assert (await bobs.receive("ack"))["ref"] == "first"
    assert (await alices.receive("receipt"))["read_seq"] == 1
    assert await in_thread(has_received, bob)


async def test_gathered_receipts_are_stored_before_the_server_ends(
    connect, say, alice, bob, direct, monkeypatch
):
    monkeypatch.setattr("messaging.sockets.receipt_gathering.GATHER_SECONDS", 3600)
    await in_thread(say, alice, direct)
    bobs, bobs_other = await connect(bob), await connect(bob)
    for client in (bobs, bobs_other):
        await client.send({"type": "receipt", "conversation": str(direct.id), "delivered_seq": 1})
        await client.request("ping")
    await bobs_other.disconnect()

    await lifecycle.say_farewell()

    assert (await bobs.receive("ack"))["ref"] is None
    assert await in_thread(has_received, bob)


def has_received(user):
    return Membership.objects.get(user=user).delivered_seq == 1


async def test_receipt_that_fails_answers_500(
    connect, say, alice, bob, direct, monkeypatch, caplog
):
    await in_thread(say, alice, direct)
    client = await connect(bob)
    receipt = {"conversation": str(direct.id), "read_seq": 1}
    with monkeypatch.context() as patch:
        patch.setattr("messaging.receipts.move_watermarks", lambda *_: 1 / 0)

        error = await client.request("receipt", **receipt)

    assert (error["type"], error["status"]) == ("error", 500)
    assert "ZeroDivisionError" in caplog.text
    assert (await client.request("receipt", **receipt))["type"] == "ack"


async def test_invalid_receipt_answers_400(connect, bob, direct):
    client = await connect(bob)

    for wrong in ({}, {"read_seq": -1}, {"read_seq": "x"}, {"read_seq": [1]}):
        error = await client.request("receipt", conversation=str(direct.id), **wrong)
        assert error["status"] == 400


async def test_typing_reaches_the_other_member(connect, alice, bob, direct):
    alices, bobs = await connect(alice), await connect(bob)

    for active in (True, False):
        await alices.request("typing", conversation=str(direct.id), active=active)

        assert await bobs.receive("typing") == {
            "type": "typing",
            "conversation": str(direct.id),
            "user": {"id": str(alice.id), "username": "alice", "display_name": "Alice"},
            "active": active,
        }


async def test_typing_event_has_the_new_display_name(connect, alice, bob, direct):
    alices, bobs = await connect(alice), await connect(bob)

    await in_thread(lambda: update_profile(user=alice, display_name="Alice B."))
    ready = await alices.receive("ready")
    await alices.request("typing", conversation=str(direct.id), active=True)

    assert ready["user"]["display_name"] == "Alice B."
    assert (await bobs.receive("typing"))["user"]["display_name"] == "Alice B."


@pytest.mark.parametrize("active", ["y", 1, None, []])
async def test_invalid_typing_answers_400(connect, alice, direct, active):
    client = await connect(alice)

    answer = await client.request("typing", conversation=str(direct.id), active=active)

    assert (answer["type"], answer["status"]) == ("error", 400)


async def test_changes_returns_messages_since_a_version(connect, say, alice, bob, direct):
    for number in range(3):
        await in_thread(say, alice, direct, str(number))
    client = await connect(bob)

    ack = await client.request("changes", conversation=str(direct.id), since=1)
    ahead = await client.request("changes", conversation=str(direct.id), since=100)

    assert [message["body"] for message in ack["messages"]] == ["1", "2"]
    assert (ack["version"], ack["more"]) == (3, False)
    assert (ahead["messages"], ahead["version"]) == ([], 3)


async def test_invalid_since_answers_400(connect, bob, direct):
    client = await connect(bob)

    for since in (None, -1, "x", 1.5, 2**70, [], True):
        error = await client.request("changes", conversation=str(direct.id), since=since)
        assert error["status"] == 400


# Invalid frames


INVALID_FRAMES = [
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
    '{"type": "ping", "type": "twice"}',
    "\0",
]


async def test_invalid_frame_answers_400_and_keeps_the_socket_open(connect, alice):
    client = await connect(alice)

    for text in INVALID_FRAMES:
        await client.send_text(text)
        error = await client.next()
        assert (error["type"], error["ref"], error["status"]) == ("error", None, 400)

    assert (await client.request("ping"))["type"] == "ack"


async def test_binary_frame_answers_400_and_keeps_the_socket_open(connect, alice):
    client = await connect(alice)

    await client.send_bytes(b'{"type": "ping"}')

    assert (await client.next())["status"] == 400
    assert (await client.request("ping"))["type"] == "ack"


async def test_unknown_command_answers_400(connect, alice):
    client = await connect(alice)

    for name in ("nonsense", "", None, 5, [], {}, "__class__"):
        error = await client.request(name)
        assert (error["type"], error["status"]) == ("error", 400)


async def test_every_scalar_ref_is_echoed(connect, alice):
    client = await connect(alice)

    for ref in ("x", "", "\ud800", "\0", 0, -1, 1.5, 10**4000, True, False, None):
        await client.send({"type": "ping", "ref": ref})
        await client.send({"type": "nonsense", "ref": ref})

        assert await client.next() == {"type": "ack", "ref": ref}
        error = await client.next()
        assert (error["type"], error["ref"]) == ("error", ref)


async def test_invalid_ref_answers_400_and_nothing_is_done(connect, alice, direct):
    client = await connect(alice)

    for ref in ("[1]", '{"a": 1}', "1e999"):
        await client.send_text(
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


async def test_conversations_of_others_answer_404(connect, mallory, direct):
    client = await connect(mallory)
    names = [str(direct.id), new_id(), "x", "", None, 5, [], {"a": 1}, "\0", "é" * 32]

    answers = [
        await client.request(command, **fields, **where)
        for command, fields in IN_A_CONVERSATION.items()
        for where in [{}, *({"conversation": name} for name in names)]
    ]

    assert {answer["status"] for answer in answers} == {404}
    assert len({repr(sorted((answer | {"ref": 0}).items())) for answer in answers}) == 1


async def test_server_error_answers_500_and_keeps_the_socket_open(
    connect, alice, monkeypatch, caplog
):
    monkeypatch.setitem(COMMANDS, "break", lambda user, frame: 1 / 0)
    client = await connect(alice)

    error = await client.request("break")

    assert (error["type"], error["status"]) == ("error", 500)
    assert "ZeroDivisionError" in caplog.text
    assert (await client.request("ping"))["type"] == "ack"


async def test_commands_are_answered_in_order(connect, alice):
    client = await connect(alice)

    for ref in range(50):
        await client.send({"type": "ping" if ref % 2 else "nonsense", "ref": ref})

    assert [(await client.next())["ref"] for _ in range(50)] == list(range(50))


# Arrays of commands


async def test_an_array_of_commands_is_answered_by_an_array(connect, alice, direct):
    client = await connect(alice, BatchClient)

    await client.send([{"type": "ping", "ref": 1}, {"type": "nonsense", "ref": 2}, 5])
    answers = [await client.next() for _ in range(3)]

    assert [(answer["type"], answer["ref"]) for answer in answers] == [
        ("ack", 1),
        ("error", 2),
        ("error", None),
    ]


async def test_invalid_array_answers_400(connect, alice):
    client = await connect(alice, BatchClient)

    for text in ("[]", "{}", "5", "", "[[]]"):
        await client.send_text(text)
        assert (await client.next())["status"] == 400

    assert (await client.request("ping"))["type"] == "ack"


async def test_batch_client_receives_events_in_order(connect, say, alice, bob, direct):
    client = await connect(bob, BatchClient)

    for number in range(20):
        await in_thread(say, alice, direct, str(number))

    received = [(await client.receive("message.created"))["version"] for _ in range(20)]
    assert received == list(range(1, 21))


async def test_answers_too_large_for_one_frame_come_in_several(
    connect, say, monkeypatch, alice, direct
):
    await in_thread(say, alice, direct, "x" * 1000)
    monkeypatch.setattr("chatflow.live.encoding.FRAME_CHARACTERS", 4000)
    client = await connect(alice, BatchClient)
    changes = {"type": "changes", "conversation": str(direct.id), "since": 0}

    await client.send([changes | {"ref": ref} for ref in range(10)])
    first = client.parsed(await client.communicator.receive_from(timeout=SECONDS))
    client.received += first

    rest = [(await client.next())["ref"] for _ in range(10 - len(first))]
    assert 1 < len(first) < 10
    assert [answer["ref"] for answer in first] + rest == list(range(10))


async def test_too_long_array_is_refused_as_a_whole(connect, alice, direct):
    client = await connect(alice, BatchClient)
    message = {"type": "message.send", "conversation": str(direct.id), "body": "hi"}

    await client.send([message | {"id": new_id()}] + [0] * MAX_COMMANDS)

    answer = await client.next()
    assert (answer["type"], answer["ref"], answer["status"]) == ("error", None, 400)
    assert await client.receive_all() == [answer]
    assert not await in_thread(Message.objects.exists)
