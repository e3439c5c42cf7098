"""Acknowledged messages are durable: a killed server loses none."""

from __future__ import annotations

import asyncio

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import until
from tests.resilience.writers import Writing, assert_complete

WRITERS_EACH = 4
ACKNOWLEDGED_A_ROUND = 60
SHORT, LONG = 2, pytest.param(20, marks=pytest.mark.soak)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
async def test_killed_server_loses_no_message(on_either, serve, people, rounds, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=WRITERS_EACH)

    async with LiveClient(bob) as client, writing:
        for _ in range(rounds):
            await writing.acknowledge(ACKNOWLEDGED_A_ROUND)
            acknowledged = writing.acknowledged
            server.kill()
            await asyncio.to_thread(server.start)
            assert_complete(await alice.history(conversation), acknowledged)
        await writing.finish()
        await until(lambda: client.has(*writing.acknowledged.values()))

    history = await alice.history(conversation)
    assert_complete(history, writing.acknowledged)
    assert len(history) == len(writing.acknowledged)
    assert client.bodies(conversation) == [message["body"] for message in history]
    assert client.connections > 1
    assert (await alice.ask("GET", f"/conversations/{conversation}"))["last_seq"] == len(history)
    figure("acknowledged, and all there", str(len(history)))
