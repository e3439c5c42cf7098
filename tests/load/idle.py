"""Ten thousand idle sockets, and then a message to a thousand of them."""

from __future__ import annotations

import asyncio
from itertools import chain

from chatflow.identifiers import uuid7
from tests.load.measuring import Line, Scale, print_progress, sample
from tests.load.processes import PinnedServer, Stopwatch
from tests.load.site import Account, Ground, names_of
from tests.load.socket_client import SocketClient, all_connected, connect, marked, said

MOST_IN_A_GROUP = 1000
MOST_KILOBYTES = 30
GIVE_UP_SECONDS = 30


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    count = scale.idle_sockets
    with ground.site() as site:
        print_progress(f"idle: {count:,} people, some of them in a group")
        people = site.fill("people", count=count)
        members = people[: min(MOST_IN_A_GROUP, count // 2)]
        (group,) = site.fill("groups", members=[names_of(members)])
        server = site.server
        strangers = site.fill("people", count=20, prefix="first")
        first = await _opened(
            server, strangers
        )  # so that the server has allocated what every socket needs

        clients, opening = await _open(server, people)
        resting = await _rest(server, [*first, *clients], scale.idle_seconds)
        telling = await _tell_some(server, clients[: len(members)], group, count)
        for client in (*first, *clients):
            client.close()
    return [opening, resting, telling]


async def _opened(server: PinnedServer, people: list[Account]) -> list[SocketClient]:
    host = server.address
    return await all_connected([connect(host, token=person["token"]) for person in people])


async def _open(server: PinnedServer, people: list[Account]) -> tuple[list[SocketClient], Line]:
    count = len(people)
    print_progress(f"idle: {count:,} sockets are opened")
    before, watch = server.memory, Stopwatch([server])
    clients = await _opened(server, people)
    seconds, cpu, share = watch.read()
    line = Line("idle", f"{count:,} sockets are opened", rate=count / seconds, client_share=share)
    line.cpu_us = cpu / count * 1e6
    kilobytes = (server.memory - before) / count / 1024
    return clients, line.want(
        "kB a socket",
        kilobytes,
        MOST_KILOBYTES,
        is_ceiling=True,
        if_missed="presence and limits are in the process",
    )


async def _rest(server: PinnedServer, clients: list[SocketClient], seconds: float) -> Line:
    print_progress(f"idle: nothing happens for {seconds:.0f} seconds")
    watch = Stopwatch([server])
    await asyncio.sleep(seconds)
    seconds, cpu, share = watch.read()
    line = Line("idle", "nothing happens", client_share=share)
    line.facts["processor"] = f"{cpu / seconds * 60:.2f} s a minute"
    line.is_complete = not any(client.closed.is_set() for client in clients)
    return line


async def _tell_some(
    server: PinnedServer, clients: list[SocketClient], group: str, among: int
) -> Line:
    print_progress(f"idle: a message to {len(clients):,} of them")
    watch = Stopwatch([server])
    answer = await clients[0].ask(said(group, str(uuid7()), marked(0)))
    assert b'"ack"' in answer, answer
    for _ in range(GIVE_UP_SECONDS * 200):
        if all(client.heard for client in clients):
            break
        await asyncio.sleep(0.005)
    told = sample(list(chain.from_iterable(client.seconds for client in clients)), watch)
    line = Line("idle", f"a message to {len(clients):,} of {among:,}")
    line.p50_ms, line.p99_ms = told.p50_ms, told.p99_ms
    line.cpu_us, line.client_share = told.cpu_us, told.client_share
    line.is_complete = all(client.heard for client in clients)
    return line
