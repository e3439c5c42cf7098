"""Redis is stopped, killed or frozen: sending still works, and live delivery recovers by itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.people import Person
from tests.resilience.servers import OwnRedis, until

pytestmark = pytest.mark.services

# A lost event is noticed within half a minute by the periodic check.
HEALED_SECONDS = 75
# Publishing may wait three seconds; the rest is for a slow machine.
LONGEST_SEND_SECONDS = 6


@pytest.fixture
def server(on_postgres, redis, serve):
    # With limits, which are counted in Redis and may delay a request as well.
    return serve(on_postgres | {"REDIS_URL": redis.url, "THROTTLE": "on"})


@pytest.mark.parametrize("broken", [OwnRedis.stop, OwnRedis.kill, OwnRedis.freeze])
async def test_messages_sent_without_redis_arrive_when_it_is_back(
    broken, server, redis, people, figure
):
    alice, bob, carol = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    await carol.say(group, "alice has not read this")
    async with LiveClient(bob) as client:
        broken(redis)

        alice.longest_seconds = 0
        # The first unread message causes three events: the message and two receipts.
        missed = [await alice.say(group, f"without Redis {number}") for number in range(3)]
        figure("slowest send", f"{alice.longest_seconds:.1f} s")
        assert alice.longest_seconds < LONGEST_SEND_SECONDS
        await bob.log_in()
        assert (await bob.history(group))[-3:] == missed
        assert await status(alice, "/healthz") == 200
        assert await status(alice, "/readyz") == 503
        await until(lambda: "live delivery is interrupted" in server.output())
        assert not client.has(*missed[-1:])

        recover(redis)
        start = time.monotonic()
        await until(lambda: client.has(*missed))
        figure("live again after", f"{time.monotonic() - start:.1f} s")
        assert client.connections == 1
        while await status(alice, "/readyz") != 200:
            await asyncio.sleep(0.1)
        said = await alice.say(group, "with Redis again")
        await until(lambda: client.has(said))

    assert alice.statuses.keys() | bob.statuses.keys() <= {200, 201}


async def test_short_redis_outage_loses_no_message(server, redis, people, figure):
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with LiveClient(bob) as client:
        redis.kill()
        lost = await alice.say(conversation, "into the void")
        await asyncio.to_thread(redis.start)
        start = time.monotonic()

        await until(lambda: client.has(lost), seconds=HEALED_SECONDS)
        figure("found after", f"{time.monotonic() - start:.1f} s")


async def test_socket_opened_without_redis_goes_live_when_it_is_back(server, redis, people):
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    redis.kill()
    async with LiveClient(bob) as client:
        missed = await alice.say(conversation, "without Redis")
        await asyncio.to_thread(redis.start)

        await until(lambda: client.has(missed), seconds=HEALED_SECONDS)
        said = await alice.say(conversation, "with Redis again")
        await until(lambda: client.has(said), seconds=HEALED_SECONDS)


async def test_server_started_without_redis_goes_live_when_it_is_back(
    on_postgres, redis, serve, people
):
    redis.kill()
    server = serve(on_postgres | {"REDIS_URL": redis.url})
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with LiveClient(bob) as client:
        await asyncio.to_thread(redis.start)
        missed = await alice.say(conversation, "is anybody there?")

        await until(lambda: client.has(missed), seconds=HEALED_SECONDS)


def recover(redis: OwnRedis) -> None:
    if redis.is_alive:
        redis.thaw()
    else:
        redis.start()


async def status(person: Person, path: str) -> int:
    return (await person.http.get(f"http://{person.server.address}{path}")).status_code
