"""A server restarts, and all clients reconnect at once and request missed messages."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from picows import WSHandshakeError

from tests.load.measuring import Line, Sample, Scale, print_progress
from tests.load.posts import references_of
from tests.load.processes import PinnedServer, Stopwatch
from tests.load.site import Account, Ground, Site, names_of
from tests.load.socket_client import SocketClient, all_connected, connect

GROUP = 500
MISSED = 20
MOST_SECONDS = 60
MOST_SECONDS_AT_500_VIEWS = 15
RESTARTING = 1012


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    with ground.site() as site:
        print_progress(f"returning: {scale.returning:,} people in groups of {GROUP}")
        clients = _clients(site, scale.returning)
        await _hear(clients, site.server)
        print_progress("returning: the server stops")
        await asyncio.to_thread(site.server.stop)
        await asyncio.gather(*(client.socket.closed.wait() for client in clients))
        codes = Counter(client.socket.close_code for client in clients)
        _say_meanwhile(site, clients)
        await asyncio.to_thread(site.server.start)
        line = await _return(clients, site.server)
        view, _echo = await references_of(ground)
        bare = await view.run(scale.seconds)
        _want_soon(line, clients, bare)
        line.facts["closed with"] = ", ".join(f"{code}: {count}" for code, count in codes.items())
        line.is_complete &= codes.keys() == {RESTARTING}
    return [line]


def _want_soon(line: Line, clients: list[Client], bare: Sample) -> None:
    """Compare with the goal on a machine on which the bare view answers 500 a second."""
    last = max(client.returned_after for client in clients)
    line.want(
        "seconds at 500 bare views a second",
        last * bare.rate / 500,
        MOST_SECONDS_AT_500_VIEWS,
        is_ceiling=True,
        if_missed="handshakes query a lot",
    )


@dataclass
class Client:
    """A user whose client reconnects and requests what it missed, as the contract says."""

    account: Account
    group: str
    version: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    received: int = 0
    returned_after: float = 0
    socket: SocketClient = None  # type: ignore[assignment]

    def note(self, ready: bytes) -> None:
        heads = json.loads(ready)["conversations"]
        self.version = next(head["version"] for head in heads if head["id"] == self.group)

    async def come_back(self, host: str, start: float) -> None:
        deadline, wait = start + MOST_SECONDS, 0.5
        while time.monotonic() < deadline:
            await asyncio.sleep(random.uniform(0, wait))  # not all at once
            wait = min(wait * 2, 8)
            try:
                self.socket = await connect(host, token=self.account["token"])
                await self._catch_up(await self.socket.ready)
            except WSHandshakeError as refusal:
                status = refusal.response.status if refusal.response else 0
                self.refusals[str(int(status) or "no answer")] += 1
            except OSError as error:
                self.refusals[type(error).__name__] += 1
            else:
                self.returned_after = time.monotonic() - start
                return

    async def _catch_up(self, ready: bytes) -> None:
        known = self.version
        self.note(ready)
        if self.version > known:
            question = {"type": "changes", "ref": 1, "conversation": self.group, "since": known}
            answer = json.loads(await self.socket.ask(json.dumps(question)))
            self.received = len(answer["messages"])


def _clients(site: Site, count: int) -> list[Client]:
    people = site.fill("people", count=count)
    members = [people[start : start + GROUP] for start in range(0, count, GROUP)]
    groups = site.fill("groups", members=[names_of(each) for each in members])
    return [
        Client(account, group)
        for group, accounts in zip(groups, members, strict=True)
        for account in accounts
    ]


async def _hear(clients: list[Client], server: PinnedServer) -> None:
    sockets = await all_connected(
        [connect(server.address, token=client.account["token"]) for client in clients]
    )
    for client, socket in zip(clients, sockets, strict=True):
        client.socket = socket
        client.note(socket.ready.result())


def _say_meanwhile(site: Site, clients: list[Client]) -> None:
    speakers = {client.group: client.account["name"] for client in clients}
    bodies = [f"Missed message number {number}." for number in range(MISSED)]
    site.fill("say", speakers=speakers, bodies=bodies)


async def _return(clients: list[Client], server: PinnedServer) -> Line:
    print_progress(f"returning: {len(clients):,} clients come back")
    watch, start = Stopwatch([server]), time.monotonic()
    await asyncio.gather(*(client.come_back(server.address, start) for client in clients))
    seconds, cpu, share = watch.read()
    times = sorted(client.returned_after for client in clients)
    line = Line("returning", f"{len(clients):,} clients after a restart")
    line.rate, line.cpu_us, line.client_share = (
        len(clients) / seconds,
        cpu / len(clients) * 1e6,
        share,
    )
    line.p50_ms, line.p99_ms = times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000
    line.is_complete = all(client.received == MISSED for client in clients)
    refusals = sum((client.refusals for client in clients), Counter[str]())
    line.facts["all are back after"] = f"{times[-1]:.1f} s"
    line.facts["refused and back again"] = (
        ", ".join(f"{why}: {count}" for why, count in refusals.items()) or "nobody"
    )
    for client in clients:
        client.socket.close()
    return line
