"""Slow readers: backpressure, bounded outboxes, and no effect on other sockets."""

from __future__ import annotations

import pytest

from chatflow.live import sockets
from chatflow.live.hub import hub
from chatflow.live.sockets import FAILED, TOO_SLOW, in_thread
from tests.live.conftest import until
from tests.live.layers import SlowToAdd
from tests.sockets.conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)


async def consumer_of(user):
    (consumer,) = [socket for socket in hub().sockets if socket.user_id == str(user.id)]
    return consumer


@pytest.fixture
def few(monkeypatch) -> None:
    monkeypatch.setattr(sockets, "MAX_QUEUED_FRAMES", 10)


async def test_a_client_that_does_not_read_is_closed_without_affecting_others(
    connect, say, few, alice, bob, carol, group
):
    bobs, carols = await connect(bob), await connect(carol)
    consumer = await consumer_of(bob)
    bobs.reader.pause()

    for number in range(20):
        await in_thread(say, alice, group, str(number))
        await carols.receive("message.created")

    await until(lambda: consumer not in hub().sockets)
    assert await bobs.close_code() == TOO_SLOW
    assert len(bobs.received) == 1  # the outbox was emptied
    assert (await carols.request("ping"))["type"] == "ack"


async def test_the_outbox_is_bounded_in_characters_as_well(
    connect, say, monkeypatch, alice, bob, direct
):
    monkeypatch.setattr(sockets, "MAX_QUEUED_CHARACTERS", 20_000)
    client = await connect(bob)
    client.reader.pause()

    for _ in range(8):
        await in_thread(say, alice, direct, "x" * 4096)

    assert await client.close_code() == TOO_SLOW


async def test_a_slow_reader_receives_everything_in_order(connect, say, alice, bob, direct):
    client = await connect(bob)
    client.reader.pause()
    for number in range(20):
        await in_thread(say, alice, direct, str(number))

    client.reader.resume()

    received = [(await client.receive("message.created"))["version"] for _ in range(20)]
    assert received == list(range(1, 21))


async def test_queued_frames_are_sent_before_the_socket_closes(connect, alice):
    client = await connect(alice)
    consumer = await consumer_of(alice)

    for number in range(5):
        consumer.enqueue(f'{{"type": "{number}"}}')
    consumer.close(4401)
    consumer.enqueue('{"type": "late"}')

    assert await client.close_code() == 4401
    assert [frame["type"] for frame in client.received] == ["0", "1", "2", "3", "4"]


async def test_a_socket_closes_although_its_client_does_not_read(connect, monkeypatch, alice):
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.05)
    client = await connect(alice)
    consumer = await consumer_of(alice)
    client.reader.pause()
    for _ in range(5):
        consumer.enqueue('{"type": "x"}')
    await until(lambda: client.reader.is_waited_for)

    consumer.close(4401)

    assert await client.close_code() == 4401
    assert len(client.received) == 1


async def test_too_many_frames_while_a_socket_opens_close_it(few, new_client, token, alice):
    async def flood() -> None:
        consumer = await consumer_of(alice)
        for number in range(20):
            consumer.enqueue(str(number))

    SlowToAdd().before_next("user.", flood)
    client = new_client(headers=bearer(await in_thread(token, alice)))

    assert await client.open()
    assert await client.close_code() == TOO_SLOW


async def test_a_lost_connection_is_not_an_error(connect, say, alice, bob, direct, caplog):
    client = await connect(bob)
    consumer = await consumer_of(bob)

    async def send(message) -> None:
        raise ConnectionResetError

    consumer.base_send = send
    await in_thread(say, alice, direct)
    await until(lambda: consumer not in hub().sockets)

    assert caplog.records == []
    await client.disconnect()


async def test_a_failing_writer_closes_the_socket_and_is_logged(
    connect, say, alice, bob, direct, caplog
):
    client = await connect(bob)
    consumer = await consumer_of(bob)
    base_send = consumer.base_send

    async def send(message) -> None:
        if message["type"] == "websocket.send":
            raise ValueError("this frame cannot be sent")
        await base_send(message)

    consumer.base_send = send
    await in_thread(say, alice, direct)

    assert await client.close_code() == FAILED
    assert consumer not in hub().sockets
    assert "this frame cannot be sent" in caplog.text


async def test_a_single_large_frame_does_not_close_the_socket(
    connect, say, monkeypatch, alice, bob, direct
):
    monkeypatch.setattr(sockets, "MAX_QUEUED_CHARACTERS", 1000)
    client = await connect(bob)

    await in_thread(say, alice, direct, "x" * 4096)

    assert len((await client.receive("message.created"))["message"]["body"]) == 4096


async def test_a_slow_reader_receives_all_answers(connect, say, monkeypatch, alice, direct):
    monkeypatch.setattr(sockets, "MAX_QUEUED_CHARACTERS", 20_000)
    await in_thread(say, alice, direct, "x" * 4096)
    client = await connect(alice)
    client.reader.pause()
    changes = {"type": "changes", "conversation": str(direct.id), "since": 0}
    for ref in range(30):
        await client.send(changes | {"ref": ref})
    await until(lambda: client.reader.is_waited_for)

    client.reader.resume()

    assert [(await client.receive("ack"))["ref"] for _ in range(30)] == list(range(30))
