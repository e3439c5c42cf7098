"""Sixteen people write in a group of twenty, each as fast as they are answered."""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import cycle

from uuid_utils.compat import uuid7

from tests.load.http_client import Connection
from tests.load.measuring import Act, Contender, Line, Sample, Scale, in_rounds, line_beside, tell
from tests.load.site import Account, Ground, Site, is_on_services, names_of
from tests.load.socket_client import Phone, connect, said

WRITERS, MEMBERS = 16, 20
BODY = "Plan for tomorrow: beds three and four, then lunch at one."


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    with ExitStack() as stack:
        gardens = await _planted("one process", stack.enter_context(ground.site()))
        if is_on_services():
            two = stack.enter_context(ground.site(processes=2))
            gardens += await _planted("two processes", two)
        ours = [await garden.contender() for garden in gardens]
        contenders = [*await references_of(ground), *ours]
        medians = await in_rounds(scale, contenders, label="posts")
        is_complete = [
            await garden.has_kept(contender.count)
            for garden, contender in zip(gardens, ours, strict=True)
        ]
    return _lines(medians, [contender.name for contender in ours], is_complete=all(is_complete))


async def _planted(where: str, site: Site) -> list[Garden]:
    tell(f"posts: two groups of {MEMBERS}, {where}")
    people = site.fill("people", count=2 * MEMBERS)
    some, others = people[:MEMBERS], people[MEMBERS:]
    one, other = site.fill("groups", members=[names_of(some), names_of(others)])
    return [
        HttpGarden(f"over HTTP, {where}", site, some, one),
        SocketGarden(f"over the socket, {where}", site, others, other),
    ]


def _lines(medians: dict[str, Sample], names: list[str], *, is_complete: bool) -> list[Line]:
    view, echo = medians["bare view"], medians["bare echo"]
    lines = [
        line_beside("reference", "bare Django view, 16 clients", view, view),
        line_beside("reference", "bare socket echo, 16 clients", echo, view),
    ]
    for name in names:
        line = line_beside("posts", name, medians[name], view)
        line.is_complete = is_complete
        line.want("of a bare view", line.of_bare, 0.8 if "socket" in name else 0.5)
        line.want("times its CPU", line.times_cpu, 2.2, is_ceiling=True)
        line.want("p99 / p50", line.p99_ms / line.p50_ms, 4, is_ceiling=True)
        lines.append(line)
    return lines


async def references_of(ground: Ground) -> list[Contender]:
    host = ground.bare.address
    views = [_viewing(await Connection.to(host)) for _ in range(WRITERS)]
    echoes = [_echoing(await connect(host, "/echo")) for _ in range(WRITERS)]
    return [
        Contender("bare view", [ground.bare], views),
        Contender("bare echo", [ground.bare], echoes),
    ]


def _viewing(connection: Connection) -> Act:
    async def view() -> None:
        status, _ = await connection.get("/view")
        assert status == 200, status

    return view


def _echoing(phone: Phone) -> Act:
    async def echo() -> None:
        await phone.ask(BODY)

    return echo


class Garden:
    """A group, and the writers in it, who are spread over the servers of their site."""

    def __init__(self, name: str, site: Site, members: list[Account], group: str) -> None:
        self.name = name
        self.site = site
        self.members = members
        self.group = group
        self.path = f"/conversations/{group}"

    async def contender(self) -> Contender:
        hosts = cycle([server.address for server in self.site.servers])
        writers = zip(self.members[:WRITERS], hosts, strict=False)
        acts = [await self.writing(member["token"], host) for member, host in writers]
        return Contender(self.name, self.site.servers, acts)

    async def writing(self, token: str, host: str) -> Act:
        raise NotImplementedError

    async def has_kept(self, posts: int) -> bool:
        """Each post has its place, and nothing else has one but the notice of the group's start."""
        connection = await _connection(self.site.server.address, self.members[0]["token"])
        _, answer = await connection.get(self.path)
        connection.close()
        return bool(json.loads(answer)["last_seq"] == posts + 1)


class HttpGarden(Garden):
    async def writing(self, token: str, host: str) -> Act:
        connection = await _connection(host, token)

        async def post() -> None:
            message = {"id": str(uuid7()), "body": BODY}
            status, answer = await connection.post(f"{self.path}/messages", message)
            assert status == 201, answer

        return post


class SocketGarden(Garden):
    """Whose writers hear each other, because their sockets do."""

    async def writing(self, token: str, host: str) -> Act:
        phone = await connect(host, token=token)
        await phone.ready

        async def say() -> None:
            answer = await phone.ask(said(self.group, str(uuid7()), BODY))
            assert b'"ack"' in answer, answer

        return say


async def _connection(host: str, token: str) -> Connection:
    return await Connection.to(host, Authorization=f"Bearer {token}")
