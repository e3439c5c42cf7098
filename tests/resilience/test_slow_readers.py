"""Sockets that do not read are closed with 4408, delay nobody, and can catch up later."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.resilience.live_clients import LiveClient
from tests.resilience.people import Person, connected
from tests.resilience.servers import TIMEOUT_SECONDS, until
from tests.resilience.writers import Writer, Writing, assert_complete

SLOW_READERS = 10
LONG_BODY = "漢" * 4000
BYTES = 24_000  # of a message as JSON
TOO_SLOW = 4408
TOKEN = "for the tests alone"


async def test_slow_readers_are_disconnected_and_catch_up_later(on_sqlite, serve, people, figure):
    server = serve(on_sqlite | {"METRICS_TOKEN": TOKEN})
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    names = [f"{LONG_BODY}{number}" for number in range(4)]
    writing = Writing(*(Writer(alice, conversation, name) for name in names))

    async with LiveClient(bob) as client, AsyncExitStack() as sockets:
        readers = [await never_reading(bob, sockets) for _ in range(SLOW_READERS)]
        before = server.memory
        async with writing:  # how much the kernel buffers for a reader varies
            most = await most_memory_until_cut_off(alice, SLOW_READERS)
            codes = await asyncio.gather(*(close_code(reader) for reader in readers))
            await writing.finish()
        await until(lambda: client.has(*writing.acknowledged.values()))
        assert client.connections == 1

    without_bounds = SLOW_READERS * len(writing.acknowledged) * BYTES
    figure("memory", f"{(most - before) / 1e6:.0f} MB, {without_bounds / 1e6:.0f} without bounds")
    figure("slowest send", f"{alice.longest_seconds:.2f} s")
    assert codes == [TOO_SLOW] * SLOW_READERS
    assert most - before < without_bounds / 2
    async with LiveClient(bob) as come_back:
        assert_complete(list(come_back.messages.values()), writing.acknowledged)


async def never_reading(person: Person, sockets: AsyncExitStack) -> ClientConnection:
    """Open a socket whose peer reads one or two frames and then stops reading."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", person.server.port))
    return await sockets.enter_async_context(await connected(person, sock=raw, max_queue=1))


async def close_code(reader: ClientConnection) -> int:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(reader.recv(), timeout=30)
    return reader.close_code or 0


async def most_memory_until_cut_off(person: Person, readers: int) -> int:
    most = 0
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await cut_off(person) < readers:
            most = max(most, person.server.memory)
            await asyncio.sleep(0.1)
    return most


async def cut_off(person: Person) -> float:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = await person.http.get(f"http://{person.server.address}/metrics", headers=headers)
    lines = dict(line.rsplit(maxsplit=1) for line in answer.text.splitlines())
    return float(lines["chatflow_slow_readers_total"])
