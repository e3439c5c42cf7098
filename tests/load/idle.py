"""Ten thousand sockets that hear nothing, and then a message to a thousand of them."""

from __future__ import annotations

import asyncio
from itertools import chain

from uuid_utils.compat import uuid7

from tests.load.measuring import Line, Scale, sample, tell
from tests.load.processes import PinnedServer, Stopwatch
from tests.load.site import Account, Ground, names_of
from tests.load.socket_client import Phone, all_connected, connect, marked, said

MOST_IN_A_GROUP = 1000
MOST_KILOBYTES = 30
GIVE_UP_SECONDS = 30


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    count = scale.idle_sockets
    with ground.site() as site:
        tell(f"idle: {count:,} people, some of them in a group")
        people = site.fill("people", count=count)
        members = people[: min(MOST_IN_A_GROUP, count // 2)]
        (group,) = site.fill("groups", members=[names_of(members)])
        server = site.server
        strangers = site.fill("people", count=20, prefix="first")
        first = await _opened(server, strangers)  # so that what the server needs for any is there

        phones, opening = await _open(server, people)
        resting = await _rest(server, [*first, *phones], scale.idle_seconds)
        telling = await _tell_some(server, phones[: len(members)], group, count)
        for phone in (*first, *phones):
            phone.close()
    return [opening, resting, telling]


async def _opened(server: PinnedServer, people: list[Account]) -> list[Phone]:
    host = server.address
    return await all_connected([connect(host, token=person["token"]) for person in people])


async def _open(server: PinnedServer, people: list[Account]) -> tuple[list[Phone], Line]:
    count = len(people)
    tell(f"idle: {count:,} sockets are opened")
    before, watch = server.memory, Stopwatch([server])
    phones = await _opened(server, people)
    seconds, cpu, share = watch.read()
    line = Line("idle", f"{count:,} sockets are opened", rate=count / seconds, client_share=share)
    line.cpu_us = cpu / count * 1e6
    kilobytes = (server.memory - before) / count / 1024
    return phones, line.want("kB a socket", kilobytes, MOST_KILOBYTES, is_ceiling=True)


async def _rest(server: PinnedServer, phones: list[Phone], seconds: float) -> Line:
    tell(f"idle: nothing happens for {seconds:.0f} seconds")
    watch = Stopwatch([server])
    await asyncio.sleep(seconds)
    seconds, cpu, share = watch.read()
    line = Line("idle", "nothing happens", client_share=share)
    line.facts["processor"] = f"{cpu / seconds * 60:.2f} s a minute"
    line.is_complete = not any(phone.closed.is_set() for phone in phones)
    return line


async def _tell_some(server: PinnedServer, phones: list[Phone], group: str, among: int) -> Line:
    tell(f"idle: a message to {len(phones):,} of them")
    watch = Stopwatch([server])
    answer = await phones[0].ask(said(group, str(uuid7()), marked(0)))
    assert b'"ack"' in answer, answer
    for _ in range(GIVE_UP_SECONDS * 200):
        if all(phone.heard for phone in phones):
            break
        await asyncio.sleep(0.005)
    told = sample(list(chain.from_iterable(phone.seconds for phone in phones)), watch)
    line = Line("idle", f"a message to {len(phones):,} of {among:,}")
    line.p50_ms, line.p99_ms = told.p50_ms, told.p99_ms
    line.cpu_us, line.client_share = told.cpu_us, told.client_share
    line.is_complete = all(phone.heard for phone in phones)
    return line
