"""Two processes on one database and one Redis: who is on either hears the other."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.truth.phones import Phone
from tests.truth.servers import until
from tests.truth.writers import Writing, assert_whole

pytestmark = pytest.mark.services

RESTARTING = 1012
WRITERS_EACH = 4
SHORT, LONG = 100, pytest.param(1000, marks=pytest.mark.soak)
AFTERWARDS = 80


@pytest.mark.parametrize("messages_each_way", [SHORT, LONG])
async def test_each_hears_the_other_also_when_the_process_of_one_dies(
    on_postgres, serve, people, messages_each_way, figure
):
    hers, his = serve(on_postgres), serve(on_postgres)
    (alice,), (bob,) = await people(hers, "alice"), await people(his, "bob")
    alice.servers, bob.servers = [hers, his], [his, hers]
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=WRITERS_EACH)

    async with Phone(alice) as her_phone, Phone(bob) as his_phone:
        start = time.monotonic()
        await writing.write(2 * messages_each_way)
        await until(lambda: both_have(writing, her_phone, his_phone))
        seconds = time.monotonic() - start
        assert len(writing.promises) == 2 * messages_each_way
        assert her_phone.connections == his_phone.connections == 1

        hers.kill()
        await writing.write(AFTERWARDS)
        await until(lambda: both_have(writing, her_phone, his_phone))
        assert alice.server is his
        assert her_phone.connections > 1
        assert his_phone.connections == 1

    history = await bob.history(conversation)
    assert_whole(history, writing.promises)
    for phone in (her_phone, his_phone):
        assert phone.bodies(conversation) == [message["body"] for message in history]
    figure("acknowledged, and seen by both", str(len(history)))
    figure("messages a second", f"{2 * messages_each_way / seconds:.0f}")
    figure("holes asked for", str(her_phone.holes + his_phone.holes))


async def test_a_rolling_restart_loses_nothing_and_nobody_sees_an_error(
    on_postgres, serve, people, figure
):
    first, second = serve(on_postgres), serve(on_postgres)
    (alice,), (bob,) = await people(first, "alice"), await people(second, "bob")
    alice.servers, bob.servers = [first, second], [second, first]
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=2)

    async with Phone(alice) as her_phone, Phone(bob) as his_phone, writing:
        for server in (first, second):
            await writing.some_more(20)
            assert await asyncio.to_thread(server.stop) == 0
            await writing.some_more(20)
            await asyncio.to_thread(server.start)
        await writing.finish()
        await until(lambda: both_have(writing, her_phone, his_phone))

    assert_whole(await alice.history(conversation), writing.promises)
    assert (alice.statuses + bob.statuses).keys() <= {200, 201}
    assert (alice.failures + bob.failures).keys() <= {"ConnectError"}
    assert set(her_phone.close_codes + his_phone.close_codes) == {RESTARTING}
    figure("acknowledged meanwhile", str(len(writing.promises)))


def both_have(writing: Writing, *phones: Phone) -> bool:
    return all(phone.has(*writing.promises.values()) for phone in phones)
