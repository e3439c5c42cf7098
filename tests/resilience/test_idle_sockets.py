"""Idle sockets stay open and still receive events afterwards."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import until

CLIENTS = 20
# Redis clients that time out on silence do so after five seconds.
SHORT, LONG = 8, pytest.param(600, marks=pytest.mark.soak)


@pytest.mark.parametrize("seconds", [SHORT, LONG])
async def test_idle_sockets_stay_open(on_either, serve, people, seconds, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(LiveClient(bob)) for _ in range(CLIENTS)]
        await asyncio.sleep(seconds)
        start = time.monotonic()
        message = await alice.say(conversation, "Are you still there?")
        await until(lambda: all(client.has(message) for client in clients))

        assert {(client.connections, client.readies) for client in clients} == {(1, 1)}
    figure("heard by all", f"{time.monotonic() - start:.2f} s")
