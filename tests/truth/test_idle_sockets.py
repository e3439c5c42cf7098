"""Sockets on which nobody says anything stay open, and then hear what is said."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from tests.truth.phones import Phone
from tests.truth.servers import until

PHONES = 20
# Redis clients that time out on silence do so after five seconds.
SHORT, LONG = 8, pytest.param(600, marks=pytest.mark.soak)


@pytest.mark.parametrize("seconds", [SHORT, LONG])
async def test_idle_sockets_stay_open(on_either, serve, people, seconds, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)

    async with AsyncExitStack() as switched_on:
        phones = [await switched_on.enter_async_context(Phone(bob)) for _ in range(PHONES)]
        await asyncio.sleep(seconds)
        start = time.monotonic()
        message = await alice.say(conversation, "Are you still there?")
        await until(lambda: all(phone.has(message) for phone in phones))

        assert {(phone.connections, phone.readies) for phone in phones} == {(1, 1)}
    figure("heard by all", f"{time.monotonic() - start:.2f} s")
