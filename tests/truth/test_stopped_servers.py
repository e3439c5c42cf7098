"""SIGTERM under load: whoever was let in is answered, sockets are told, and nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.truth.phones import Phone
from tests.truth.servers import Server, until
from tests.truth.writers import Writing, assert_whole

RESTARTING = 1012
PHONES = 20


async def test_a_server_that_is_told_to_stop_finishes_what_it_has_begun(on_sqlite, serve, people):
    server = serve(on_sqlite)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=4)

    async with AsyncExitStack() as switched_on, writing:
        phones = [await switched_on.enter_async_context(Phone(bob)) for _ in range(PHONES)]
        await writing.some_more(20)
        promises = writing.promises
        readiness = asyncio.create_task(statuses_until_deaf(server))
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        assert_whole(await alice.history(conversation), promises)
        await writing.finish()
        await until(lambda: all(phone.has(*writing.promises.values()) for phone in phones))

    assert 503 in await readiness
    assert "cut off" not in server.output()
    assert [phone.close_codes for phone in phones] == [[RESTARTING]] * PHONES
    assert (alice.failures + bob.failures).keys() <= {"ConnectError"}, "begun and not finished"
    assert_whole(await alice.history(conversation), writing.promises)


async def statuses_until_deaf(server: Server) -> set[int]:
    statuses = set()
    async with httpx.AsyncClient() as balancer:
        while True:
            try:
                answer = await balancer.get(f"http://{server.address}/readyz")
            except httpx.TransportError:
                return statuses
            statuses.add(answer.status_code)
            await asyncio.sleep(0.02)
