"""Two processes with one database and one Redis deliver each other's events."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import until
from tests.resilience.writers import Writing, assert_complete

pytestmark = pytest.mark.services

RESTARTING = 1012
WRITERS_EACH = 4
SHORT, LONG = 100, pytest.param(1000, marks=pytest.mark.soak)
AFTERWARDS = 80


@pytest.mark.parametrize("messages_each_way", [SHORT, LONG])
async def test_two_processes_deliver_to_each_other_until_one_is_killed(
    on_postgres, serve, people, messages_each_way, figure
):
    hers, his = serve(on_postgres), serve(on_postgres)
    (alice,), (bob,) = await people(hers, "alice"), await people(his, "bob")
    alice.servers, bob.servers = [hers, his], [his, hers]
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=WRITERS_EACH)

    async with LiveClient(alice) as alice_client, LiveClient(bob) as bob_client:
        start = time.monotonic()
        await writing.write(2 * messages_each_way)
        await until(lambda: both_have(writing, alice_client, bob_client))
        seconds = time.monotonic() - start
        assert len(writing.acknowledged) == 2 * messages_each_way
        assert alice_client.connections == bob_client.connections == 1

        hers.kill()
        await writing.write(AFTERWARDS)
        await until(lambda: both_have(writing, alice_client, bob_client))
        assert alice.server is his
        assert alice_client.connections > 1
        assert bob_client.connections == 1

    history = await bob.history(conversation)
    assert_complete(history, writing.acknowledged)
    for client in (alice_client, bob_client):
        assert client.bodies(conversation) == [message["body"] for message in history]
    figure("acknowledged, and seen by both", str(len(history)))
    figure("messages a second", f"{2 * messages_each_way / seconds:.0f}")
    figure("gaps asked for", str(alice_client.gaps + bob_client.gaps))


async def test_rolling_restart_loses_no_message_and_causes_no_error(
    on_postgres, serve, people, figure
):
    first, second = serve(on_postgres), serve(on_postgres)
    (alice,), (bob,) = await people(first, "alice"), await people(second, "bob")
    alice.servers, bob.servers = [first, second], [second, first]
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=2)

    async with LiveClient(alice) as alice_client, LiveClient(bob) as bob_client, writing:
        for server in (first, second):
            await writing.acknowledge(20)
            assert await asyncio.to_thread(server.stop) == 0
            await writing.acknowledge(20)
            await asyncio.to_thread(server.start)
        await writing.finish()
        await until(lambda: both_have(writing, alice_client, bob_client))

    assert_complete(await alice.history(conversation), writing.acknowledged)
    assert (alice.statuses + bob.statuses).keys() <= {200, 201}
    assert (alice.failures + bob.failures).keys() <= {"ConnectError"}
    assert set(alice_client.close_codes + bob_client.close_codes) == {RESTARTING}
    figure("acknowledged meanwhile", str(len(writing.acknowledged)))


def both_have(writing: Writing, *clients: LiveClient) -> bool:
    return all(client.has(*writing.acknowledged.values()) for client in clients)
