"""Readers that are slow, or do not read at all, and everybody else."""

from __future__ import annotations

import asyncio

import pytest

from chatflow import sockets
from chatflow.hub import hub
from chatflow.sockets import TOO_SLOW, in_thread
from tests.realtime.conftest import until
from tests.realtime.layers import SlowToAdd

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stop_reading():
    """stop_reading(client): sending to it waits from now on, as a server's `send` does."""

    def stop(client) -> None:
        assert client.wire.output_queue.empty()
        client.wire.output_queue._maxsize = 1

    return stop


def read_on(client) -> None:
    client.wire.output_queue._maxsize = 0
    while (queue := client.wire.output_queue)._putters:
        queue._wakeup_next(queue._putters)


async def consumer_of(user):
    (consumer,) = [socket for socket in hub().sockets if socket.user_id == str(user.id)]
    return consumer


@pytest.fixture
def few(monkeypatch) -> None:
    monkeypatch.setattr(sockets, "MOST_FRAMES", 10)


async def test_whoever_does_not_read_is_closed_and_nobody_else_is_disturbed(
    connect, say, stop_reading, few, alice, bob, carol, group
):
    bobs, carols = await connect(bob), await connect(carol)
    consumer = await consumer_of(bob)
    stop_reading(bobs)

    for number in range(20):
        await in_thread(say, alice, group, str(number))
        await carols.hear("message.created")

    await until(lambda: consumer not in hub().sockets)
    assert not consumer._outbox
    assert await bobs.closed() == TOO_SLOW
    assert (await carols.ask("ping"))["type"] == "ack"


async def test_few_large_frames_are_too_many_as_well(
    connect, say, stop_reading, monkeypatch, alice, bob, direct
):
    monkeypatch.setattr(sockets, "MOST_CHARACTERS", 20_000)
    client = await connect(bob)
    stop_reading(client)

    for _ in range(8):
        await in_thread(say, alice, direct, "x" * 4096)

    assert await client.closed() == TOO_SLOW


async def test_whoever_reads_late_gets_everything_in_order(
    connect, say, stop_reading, alice, bob, direct
):
    client = await connect(bob)
    stop_reading(client)
    for number in range(20):
        await in_thread(say, alice, direct, str(number))

    read_on(client)

    heard = [(await client.hear("message.created"))["version"] for _ in range(20)]
    assert heard == list(range(1, 21))


async def test_what_is_queued_comes_before_the_end(connect, alice):
    client = await connect(alice)
    consumer = await consumer_of(alice)

    for number in range(5):
        consumer.offer(f'{{"type": "{number}"}}')
    consumer.end(4401)
    consumer.offer('{"type": "late"}')

    assert await client.closed() == 4401
    assert [frame["type"] for frame in client.heard] == ["0", "1", "2", "3", "4"]


async def test_whoever_does_not_read_is_ended_all_the_same(
    connect, stop_reading, monkeypatch, alice
):
    monkeypatch.setattr(sockets, "CLOSE_SECONDS", 0.05)
    client = await connect(alice)
    consumer = await consumer_of(alice)
    stop_reading(client)
    for _ in range(5):
        consumer.offer('{"type": "x"}')
    await until(client.wire.output_queue.full)

    consumer.end(4401)
    await until(lambda: not consumer._outbox)

    assert await client.closed() == 4401
    assert len(client.heard) == 1


async def test_too_much_while_a_socket_opens_closes_it(few, knock, token, alice):
    async def flood() -> None:
        consumer = await consumer_of(alice)
        for number in range(20):
            consumer.offer(str(number))

    SlowToAdd().before_next("user.", flood)
    client = knock(headers={"authorization": f"Bearer {await in_thread(token, alice)}"})

    assert await client.open()
    assert await client.closed() == TOO_SLOW


async def test_a_peer_that_vanishes_is_no_error(connect, say, alice, bob, direct, caplog):
    client = await connect(bob)
    consumer = await consumer_of(bob)

    async def send(message) -> None:
        raise ConnectionResetError

    consumer.base_send = send
    await in_thread(say, alice, direct)
    await asyncio.wait([consumer._writer])

    assert caplog.records == []
    await client.leave()
