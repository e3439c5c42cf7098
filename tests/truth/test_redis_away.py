"""Redis stopped, killed or frozen, and back: people go on, and live delivery returns by itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.truth.people import Person
from tests.truth.phones import Phone
from tests.truth.servers import OwnRedis, until

pytestmark = pytest.mark.services

# What was lost without a trace is noticed within half a minute, and looked for once more.
HEALED_SECONDS = 75
# A publication may wait three seconds; the rest is for a slow machine.
LONGEST_SEND_SECONDS = 6


@pytest.fixture
def server(on_postgres, redis, serve):
    # With its limits, which are counted in Redis and may hold up a request as well.
    return serve(on_postgres | {"REDIS_URL": redis.url, "THROTTLE": "on"})


@pytest.mark.parametrize("broken", [OwnRedis.stop, OwnRedis.kill, OwnRedis.freeze])
async def test_people_go_on_without_redis_and_are_told_when_it_is_back(
    broken, server, redis, people, figure
):
    alice, bob, carol = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    await carol.say(group, "alice has not read this")
    async with Phone(bob) as phone:
        broken(redis)

        alice.longest_seconds = 0
        # What she has not read makes the first one three events: what is said, and two watermarks.
        missed = [await alice.say(group, f"without Redis {number}") for number in range(3)]
        figure("slowest send", f"{alice.longest_seconds:.1f} s")
        assert alice.longest_seconds < LONGEST_SEND_SECONDS
        await bob.log_in()
        assert (await bob.history(group))[-3:] == missed
        assert await status(alice, "/healthz") == 200
        assert await status(alice, "/readyz") == 503
        await until(lambda: "live delivery is interrupted" in server.output())
        assert not phone.has(*missed[-1:])

        mend(redis)
        start = time.monotonic()
        await until(lambda: phone.has(*missed))
        figure("live again after", f"{time.monotonic() - start:.1f} s")
        assert phone.connections == 1
        while await status(alice, "/readyz") != 200:
            await asyncio.sleep(0.1)
        said = await alice.say(group, "with Redis again")
        await until(lambda: phone.has(said))

    assert alice.statuses.keys() | bob.statuses.keys() <= {200, 201}


async def test_a_redis_that_is_back_before_anybody_notices_costs_nobody_a_message(
    server, redis, people, figure
):
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with Phone(bob) as phone:
        redis.kill()
        lost = await alice.say(conversation, "into the void")
        await asyncio.to_thread(redis.start)
        start = time.monotonic()

        await until(lambda: phone.has(lost), seconds=HEALED_SECONDS)
        figure("found after", f"{time.monotonic() - start:.1f} s")


async def test_sockets_that_are_opened_without_redis_are_live_when_it_is_back(
    server, redis, people
):
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    redis.kill()
    async with Phone(bob) as phone:
        missed = await alice.say(conversation, "without Redis")
        await asyncio.to_thread(redis.start)

        await until(lambda: phone.has(missed), seconds=HEALED_SECONDS)
        said = await alice.say(conversation, "with Redis again")
        await until(lambda: phone.has(said), seconds=HEALED_SECONDS)


async def test_a_server_that_is_started_without_redis_is_live_when_it_is_back(
    on_postgres, redis, serve, people
):
    redis.kill()
    server = serve(on_postgres | {"REDIS_URL": redis.url})
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with Phone(bob) as phone:
        await asyncio.to_thread(redis.start)
        missed = await alice.say(conversation, "is anybody there?")

        await until(lambda: phone.has(missed), seconds=HEALED_SECONDS)


def mend(redis: OwnRedis) -> None:
    if redis.is_alive:
        redis.thaw()
    else:
        redis.start()


async def status(person: Person, path: str) -> int:
    return (await person.http.get(f"http://{person.server.address}{path}")).status_code
