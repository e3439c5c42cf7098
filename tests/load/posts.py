"""Sixteen users write, or read, in a group, each as soon as the last answer has arrived."""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import count, cycle

from chatflow.identifiers import uuid7
from tests.load.http_client import Connection
from tests.load.measuring import (
    Act,
    Contender,
    Line,
    Sample,
    Scale,
    in_rounds,
    line_beside,
    print_progress,
)
from tests.load.site import Account, Ground, Site, is_on_services, names_of
from tests.load.socket_client import SocketClient, connect, said

WRITERS, MEMBERS = 16, 20
UNREAD = 20_000
IF_MISSED = "Django's ORM"
SPREAD_IF_MISSED = "one lock for all writers"
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
    return _lines(medians, gardens, is_complete=all(is_complete))


async def _planted(where: str, site: Site) -> list[Garden]:
    print_progress(f"posts: two groups of {MEMBERS}, {where}")
    people = site.fill("people", count=2 * MEMBERS + WRITERS)
    some, others, readers = people[:MEMBERS], people[MEMBERS : 2 * MEMBERS], people[2 * MEMBERS :]
    groups = site.fill("groups", members=[names_of(each) for each in (some, others, readers)])
    site.fill("messages", conversations=groups[2:], each=UNREAD)
    return [
        HttpGarden(f"over HTTP, {where}", site, some, groups[0]),
        SocketGarden(f"over the socket, {where}", site, others, groups[1]),
        ReceiptGarden(f"receipts over the socket, {where}", site, readers, groups[2]),
    ]


def _lines(medians: dict[str, Sample], gardens: list[Garden], *, is_complete: bool) -> list[Line]:
    view, echo = medians["bare view"], medians["bare echo"]
    lines = [
        line_beside("reference", "bare Django view, 16 clients", view, view),
        line_beside("reference", "bare socket echo, 16 clients", echo, view),
    ]
    for garden in gardens:
        line = line_beside("posts", garden.name, medians[garden.name], view)
        line.is_complete = is_complete
        lines.append(line)
        if not garden.times_cpu:
            continue
        line.want("× CPU", line.times_cpu, garden.times_cpu, is_ceiling=True, if_missed=IF_MISSED)
        spread = line.p99_ms / line.p50_ms
        line.want("p99 / p50", spread, 4, is_ceiling=True, if_missed=SPREAD_IF_MISSED)
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


def _echoing(client: SocketClient) -> Act:
    async def echo() -> None:
        await client.ask(BODY)

    return echo


class Garden:
    """A group whose writers are spread over the servers of their site."""

    times_cpu = 0.0  # the goal, in bare views

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
        """Return whether the group holds exactly the posts and its first system message."""
        connection = await _connection(self.site.server.address, self.members[0]["token"])
        _, answer = await connection.get(self.path)
        connection.close()
        return bool(json.loads(answer)["last_seq"] == posts + 1)


class HttpGarden(Garden):
    times_cpu = 5

    async def writing(self, token: str, host: str) -> Act:
        connection = await _connection(host, token)

        async def post() -> None:
            message = {"id": str(uuid7()), "body": BODY}
            status, answer = await connection.post(f"{self.path}/messages", message)
            assert status == 201, answer

        return post


class SocketGarden(Garden):
    """A group whose writers receive each other's messages on their sockets."""

    times_cpu = 3.5

    async def writing(self, token: str, host: str) -> Act:
        client = await connect(host, token=token)
        await client.ready

        async def say() -> None:
            answer = await client.ask(said(self.group, str(uuid7()), BODY))
            assert b'"ack"' in answer, answer

        return say


class ReceiptGarden(Garden):
    """A group whose members read one message after the other and report each on their sockets."""

    async def writing(self, token: str, host: str) -> Act:
        client = await connect(host, token=token)
        await client.ready
        numbers = count(1)

        async def read() -> None:
            receipt = {"type": "receipt", "ref": 1, "conversation": self.group}
            answer = await client.ask(json.dumps(receipt | {"read_seq": next(numbers)}))
            assert b'"ack"' in answer, answer

        return read

    async def has_kept(self, receipts: int) -> bool:
        """Return whether everybody's watermark was raised, and nothing was written."""
        connection = await _connection(self.site.server.address, self.members[0]["token"])
        _, answer = await connection.get(self.path)
        connection.close()
        conversation = json.loads(answer)
        return bool(conversation["read_seq"] > 0 and conversation["last_seq"] == UNREAD + 1)


async def _connection(host: str, token: str) -> Connection:
    return await Connection.to(host, Authorization=f"Bearer {token}")
