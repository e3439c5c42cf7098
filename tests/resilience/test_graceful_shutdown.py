"""SIGTERM under load: running requests are answered, sockets closed, and nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx2

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import Server, until
from tests.resilience.writers import Writing, assert_complete

RESTARTING = 1012
# A request may meet a connection that is just being closed. It has not begun then, and is repeated.
NOT_BEGUN = {"ConnectError", "ReadError", "WriteError", "RemoteProtocolError"}
CLIENTS = 20


async def test_graceful_shutdown_finishes_running_requests(on_sqlite, serve, people):
    server = serve(on_sqlite)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=4)

    async with AsyncExitStack() as stack, writing:
        clients = [await stack.enter_async_context(LiveClient(bob)) for _ in range(CLIENTS)]
        await writing.acknowledge(20)
        acknowledged = writing.acknowledged
        readiness = asyncio.create_task(statuses_until_refused(server))
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        assert_complete(await alice.history(conversation), acknowledged)
        await writing.finish()
        await until(lambda: all(client.has(*writing.acknowledged.values()) for client in clients))

    assert 503 in await readiness
    assert "cut off" not in server.output()
    assert [client.close_codes for client in clients] == [[RESTARTING]] * CLIENTS
    assert (alice.failures + bob.failures).keys() <= NOT_BEGUN
    assert_complete(await alice.history(conversation), writing.acknowledged)


async def statuses_until_refused(server: Server) -> set[int]:
    statuses = set()
    async with httpx2.AsyncClient() as balancer:
        while True:
            try:
                answer = await balancer.get(f"http://{server.address}/readyz")
            except httpx2.TransportError:
                return statuses
            statuses.add(answer.status_code)
            await asyncio.sleep(0.02)
