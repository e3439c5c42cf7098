"""What is acknowledged is durable: a server that dies takes nothing with it."""

from __future__ import annotations

import asyncio

import pytest

from tests.truth.phones import Phone
from tests.truth.servers import until
from tests.truth.writers import Writing, assert_whole

WRITERS_EACH = 4
ACKNOWLEDGED_A_ROUND = 60
SHORT, LONG = 2, pytest.param(20, marks=pytest.mark.soak)


@pytest.mark.parametrize("rounds", [SHORT, LONG])
async def test_kill_9_under_eight_writers_loses_nothing(on_either, serve, people, rounds, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=WRITERS_EACH)

    async with Phone(bob) as phone, writing:
        for _ in range(rounds):
            await writing.some_more(ACKNOWLEDGED_A_ROUND)
            promises = writing.promises
            server.kill()
            await asyncio.to_thread(server.start)
            assert_whole(await alice.history(conversation), promises)
        await writing.finish()
        await until(lambda: phone.has(*writing.promises.values()))

    history = await alice.history(conversation)
    assert_whole(history, writing.promises)
    assert len(history) == len(writing.promises)
    assert phone.bodies(conversation) == [message["body"] for message in history]
    assert phone.connections > 1
    assert (await alice.ask("GET", f"/conversations/{conversation}"))["last_seq"] == len(history)
    figure("acknowledged, and all there", str(len(history)))
