"""Fan-out: a few users write, hundreds read; measure deliveries per second and check them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from chatflow.identifiers import uuid7
from tests.load.measuring import Line, Sample, Scale, line_beside, median, print_progress, sample
from tests.load.processes import PinnedServer, Stopwatch
from tests.load.site import Account, Ground, Site, names_of
from tests.load.socket_client import BATCH, JSON, SocketClient, all_connected, connect, marked, said

WRITERS = 4
GIVE_UP_SECONDS = 20


@dataclass(frozen=True)
class Case:
    readers: int
    writers: int
    window: int  # unacknowledged messages of a writer
    protocol: str

    def members(self, people: list[Account]) -> list[Account]:
        """The writers, followed by the readers."""
        return [*people[: self.writers], *people[WRITERS : WRITERS + self.readers]]

    def __str__(self) -> str:
        several = f"{self.writers} writers" if self.writers > 1 else "1 writer"
        window = f", {self.window} at a time" if self.window > 1 else ""
        return f"{self.readers} readers, {several}{window}, {self.protocol}"


def cases(scale: Scale) -> list[Case]:
    usual, few, many = scale.readers
    return [
        Case(readers, writers, window, protocol)
        for readers, writers, window in ((usual, 4, 1), (few, 1, 4), (many, 1, 4))
        for protocol in (JSON, BATCH)
    ]


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    most = max(scale.readers)
    with ground.site() as site:
        print_progress(f"fanout: groups of up to {most + WRITERS} people")
        people = site.fill("people", count=most + WRITERS)
        members = {case: case.members(people) for case in cases(scale)}
        groups = site.fill("groups", members=[names_of(each) for each in members.values()])
        return [
            await _measured(case, site, members[case], group, ground.bare, scale)
            for case, group in zip(members, groups, strict=True)
        ]


async def _measured(
    case: Case, site: Site, people: list[Account], group: str, bare: PinnedServer, scale: Scale
) -> Line:
    writers, readers = people[: case.writers], people[case.writers :]
    crowd = ConnectionCounter(
        site.server,
        await _connect_all(site.server, writers, JSON),
        await _connect_all(site.server, readers, case.protocol),
        say=partial(_said_in, group),
    )
    reference = ConnectionCounter(
        bare,
        await _bare_connect_all(bare, case.writers),
        await _bare_connect_all(bare, case.readers),
        say=_shouted,
    )
    ours, theirs = [], []
    for turn in range(scale.rounds):
        print_progress(f"fanout: {case}: round {turn + 1} of {scale.rounds}")
        count = max(scale.deliveries // case.readers, case.writers * case.window)
        theirs.append(await reference.hear(count, window=case.window))
        ours.append(await crowd.hear(count, window=case.window))
    line = line_beside("fanout", str(case), median(ours), median(theirs))
    line.is_complete = crowd.share_that_reached_all == 1
    line.facts["reached every reader"] = f"{crowd.share_that_reached_all:.0%}"
    crowd.close()
    reference.close()
    return line


async def _connect_all(
    server: PinnedServer, people: Sequence[Account], protocol: str
) -> list[SocketClient]:
    host = server.address
    return await all_connected(
        [connect(host, token=person["token"], protocol=protocol) for person in people]
    )


async def _bare_connect_all(bare: PinnedServer, count: int) -> list[SocketClient]:
    return await all_connected([connect(bare.address, "/crowd") for _ in range(count)])


def _said_in(group: str, number: int) -> str:
    return said(group, str(uuid7()), marked(number))


def _shouted(number: int) -> str:
    """Return a frame as long as that of a message with all its fields."""
    return f'{{"type": "message.created", "body": "{marked(number)}"'.ljust(600) + "}"


class ConnectionCounter:
    """Writers and their readers on one server."""

    def __init__(
        self,
        server: PinnedServer,
        writers: list[SocketClient],
        readers: list[SocketClient],
        *,
        say: Callable[[int], str],
    ) -> None:
        self._server = server
        self._writers = writers
        self._readers = readers
        self._say = say
        self._said = 0

    async def hear(self, count: int, *, window: int) -> Sample:
        """Send this many more messages and wait until every reader has received them."""
        for reader in self._readers:
            del reader.seconds[:]
        numbers = iter(range(self._said, self._said + count))
        self._said += count
        watch = Stopwatch([self._server])
        await asyncio.gather(
            *(self._write(writer, numbers) for writer in self._writers for _ in range(window))
        )
        await self._until_heard()
        return sample(list(chain.from_iterable(reader.seconds for reader in self._readers)), watch)

    async def _write(self, writer: SocketClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            answer = await writer.ask(self._say(number))
            assert b'"ack"' in answer, answer

    async def _until_heard(self) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while self.share_that_reached_all < 1 and time.monotonic() < deadline:
            await asyncio.sleep(0.005)

    @property
    def share_that_reached_all(self) -> float:
        """Return whether every reader has received every message, counting duplicates once."""
        if all(len(reader.heard) == self._said for reader in self._readers):
            return 1.0
        return len(set.intersection(*(reader.heard for reader in self._readers))) / self._said

    def close(self) -> None:
        for client in (*self._writers, *self._readers):
            client.close()
