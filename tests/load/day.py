"""The load model of docs/scaling.md in miniature: does it need what the arithmetic predicts?

Everybody is online with one socket. First each of `capacity.ACTIVITIES` is measured alone, at
random times: a process that is not busy needs more for each request than one that is, because it
wakes up and finds cold caches. Then everybody does all of them, and the sum is compared with what
was used. What PostgreSQL should need is taken from the workload "database", adjusted to the speed
of this machine.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple, Self

from chatflow.identifiers import uuid7
from tests.load import capacity
from tests.load.behind_nginx import own_redis, site_on_services
from tests.load.http_client import Connection
from tests.load.measuring import Line, Scale, print_progress, three_figures
from tests.load.posts import references_of
from tests.load.processes import PinnedServer, Stopwatch, cpu_seconds_of_tree
from tests.load.reads import CONVERSATIONS
from tests.load.site import Account, Ground, Site, can_start_services, names_of
from tests.load.socket_client import MARK, Json, SocketClient, all_connected, connect_as, marked
from tests.resilience.servers import own_postgres, until

MEMBERS = capacity.PEOPLE_IN_REACH + 1
CONNECTIONS = 16  # kept open to the server, as a proxy does
READ_WITHIN = 2  # seconds after a message has arrived
PEOPLE = 1250  # of a process
LEAST_A_SECOND = 10  # of an activity that is measured alone
LAST_EVENTS_SECONDS = 10  # for the events that are on their way at the end
MOST_DIFFERENCE = 0.25


class Size(NamedTuple):
    """The whole run takes less than 15 minutes, because tokens are valid for that long."""

    people: int
    seconds: float
    seconds_alone: float  # for each activity
    messages: int  # in each conversation at the start


SIZES = {
    "full": Size(PEOPLE, 600, 12, 50),
    "quick": Size(600, 120, 6, 50),
    "tiny": Size(12, 2, 0.1, 3),
}


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    """Return one line, or none where no services can be started."""
    if not can_start_services():
        return []
    size = SIZES[scale.name]
    with (
        own_postgres() as postgres,
        own_redis() as redis,
        site_on_services(ground, postgres, redis, 1) as site,
    ):
        parts: dict[str, Callable[[], float]] = {
            "web": lambda: site.server.cpu_seconds,
            "PostgreSQL": partial(cpu_seconds_of_tree, postgres.process.pid),
        }
        day = Day(site, size)
        before = await _bare_microseconds(ground, scale)
        async with day:
            costs = await _costs(day, site.server, size.seconds_alone)
            used = await _spent(day, parts, size.seconds)
        after = await _bare_microseconds(ground, scale)
        bare = capacity.line("reference", "bare Django view, 16 clients")["cpu_us"]
        speed = statistics.mean((before, after)) / bare
    activities = [Line("activities", name, cpu_us=cost) for name, cost in costs.items()]
    return [*activities, _line(day, size, used, costs, speed)]


async def _costs(day: Day, server: PinnedServer, seconds: float) -> dict[str, float]:
    """Return the microseconds of processor that each activity takes."""
    watch = Stopwatch([server])
    await asyncio.sleep(seconds)
    passed, cpu, _ = watch.read()
    idle_cores = cpu / passed
    costs = {capacity.KEEP_OPEN: idle_cores / len(day.people) * 1e6}
    for name in day.acts:
        await day.run_alone(name, seconds / 5)  # prepared queries and caches
        watch = Stopwatch([server])
        times = await day.run_alone(name, seconds)
        passed, cpu, _ = watch.read()
        costs[name] = max(cpu - idle_cores * passed, 0) / max(times, 1) * 1e6
    return costs


async def _bare_microseconds(ground: Ground, scale: Scale) -> float:
    view, _echo = await references_of(ground)
    return (await view.run(scale.seconds * scale.rounds)).cpu_us


async def _spent(
    day: Day, parts: dict[str, Callable[[], float]], seconds: float
) -> dict[str, float]:
    """Return the cores that each part used."""
    before = {part: read() for part, read in parts.items()}
    start = time.monotonic()
    await day.run(seconds)
    passed = time.monotonic() - start
    return {part: (read() - before[part]) / passed for part, read in parts.items()}


def _line(
    day: Day, size: Size, used: dict[str, float], costs: dict[str, float], speed: float
) -> Line:
    database_cores = capacity.in_database("PostgreSQL CPU µs", size.people) / 1e6
    predicted = {
        "web": capacity.cores(size.people, costs),
        "PostgreSQL": database_cores * speed,
    }
    latencies = sorted(day.latencies)
    line = Line(
        "day",
        f"{size.people:,} people, one process, {size.seconds:.0f} s",
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        is_complete=day.is_complete,
    )
    for part, cores in used.items():
        expected = three_figures(predicted[part])
        line.facts[f"{part} cores"] = f"{three_figures(cores)}, predicted {expected}"
    line.facts["missed events"] = f"{day.missed_events} of {day.deliveries:,}"
    ratio = used["web"] / predicted["web"]
    name = "web cores, of those predicted"
    line.want(name, ratio, 1 + MOST_DIFFERENCE, is_ceiling=True)
    return line.want(name, ratio, 1 - MOST_DIFFERENCE)


@dataclass(eq=False)
class Person:
    """Somebody who is online, and the numbers of the messages that they should receive."""

    account: Account
    groups: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    read: dict[str, int] = field(default_factory=dict)  # the last `seq` in each group
    socket: SocketClient = None  # type: ignore[assignment]

    @property
    def missing(self) -> set[int]:
        return self.expected - self.heard

    @property
    def token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account['token']}"}

    @property
    def session(self) -> dict[str, str]:
        return {"Cookie": f"sessionid={self.account['session']}"}


Act = Callable[[Person], Coroutine[Any, Any, None]]


class Listener(SocketClient):
    """A person's socket; calls back with conversation, `seq` and sender of each message."""

    def __init__(self, person: Person, arrived: Callable[[Person, Json], None]) -> None:
        super().__init__()
        self.heard = person.heard
        self._person = person
        self._arrived = arrived

    def _on_messages(self, text: memoryview) -> None:
        super()._on_messages(text)
        self._arrived(self._person, json.loads(bytes(text))["message"])


class Day:
    """Everybody's activities, at the rates of the load model."""

    def __init__(self, site: Site, size: Size) -> None:
        self._site = site
        self._dice = random.Random(1)
        self._numbers = count()
        self._connections: asyncio.Queue[Connection] = asyncio.Queue()
        self._tasks: asyncio.TaskGroup
        self.latencies = array("d")  # seconds until a message was acknowledged
        self._count = 0  # of what people have done
        self._reads_what_arrives = True
        self.missed_events = 0  # deliveries that only the changes showed
        self.people, self._members = self._filled(size)

    def _filled(self, size: Size) -> tuple[list[Person], dict[str, list[Person]]]:
        """Create the people, and the members of each conversation."""
        print_progress(f"day: {size.people:,} people with {CONVERSATIONS} conversations each")
        names = names_of(self._site.fill("people", count=size.people))
        total = max(size.people * CONVERSATIONS // MEMBERS, 1)
        circles = [self._dice.sample(names, MEMBERS) for _ in range(total)]
        groups = self._site.fill("groups", members=circles)
        self._site.fill("messages", conversations=groups, each=size.messages)
        self._site.fill("build_index")
        accounts = self._site.fill("accounts", names=names)
        people = {account["name"]: Person(account) for account in accounts}
        for group, circle in zip(groups, circles, strict=True):
            for name in circle:
                people[name].groups.append(group)
        members = {
            group: [people[name] for name in circle]
            for group, circle in zip(groups, circles, strict=True)
        }
        return list(people.values()), members

    async def __aenter__(self) -> Self:
        print_progress("day: everybody goes online")
        sockets = await all_connected([self._connected(person) for person in self.people])
        for person, socket in zip(self.people, sockets, strict=True):
            person.socket = socket
        for _ in range(CONNECTIONS):
            self._connections.put_nowait(await Connection.to(self._site.server.address))
        return self

    async def __aexit__(self, *_error: object) -> None:
        for person in self.people:
            person.socket.close()
        while not self._connections.empty():
            self._connections.get_nowait().close()

    async def _connected(self, person: Person) -> SocketClient:
        listener = partial(Listener, person, self._arrived)
        host = self._site.server.address
        return await connect_as(listener, host, token=person.account["token"])

    @property
    def deliveries(self) -> int:
        return sum(len(person.expected) for person in self.people)

    @property
    def is_complete(self) -> bool:
        return not any(person.missing for person in self.people)

    async def run(self, seconds: float) -> None:
        """Let everybody do everything."""
        print_progress(f"day: {seconds:.0f} seconds")
        rates = {each.name: each.per_second(len(self.people)) for each in capacity.ACTIVITIES}
        del rates[capacity.READ]  # what arrives is read
        self._reads_what_arrives = True
        await self._run({name: rates[name] for name in self.acts if name in rates}, seconds)

    async def run_alone(self, name: str, seconds: float) -> int:
        """Let people do only this, as often as on a busy process, and return how often they did."""
        print_progress(f"day: {name}, {seconds:.0f} seconds")
        (activity,) = (each for each in capacity.ACTIVITIES if each.name == name)
        self._reads_what_arrives = False
        before = self._count
        await self._run({name: max(activity.per_second(PEOPLE), LEAST_A_SECOND)}, seconds)
        return self._count - before

    async def _run(self, rates: dict[str, float], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        async with asyncio.TaskGroup() as self._tasks:
            for name, rate in rates.items():
                self._tasks.create_task(self._repeat(self.acts[name], rate, deadline))
            await asyncio.sleep(seconds)
            await self._await_last_events()

    async def _await_last_events(self) -> None:
        """Wait for the last events. A user who missed one asks for the changes, as clients do."""
        with suppress(AssertionError):
            await until(lambda: self.is_complete, seconds=LAST_EVENTS_SECONDS)
        for person in self.people:
            if person.missing:
                self.missed_events += len(person.missing)
                await self._catch_up(person)

    async def _catch_up(self, person: Person) -> None:
        for group in person.groups:
            changes = {"version": 0, "more": True}
            while changes["more"]:
                since = changes["version"]
                question = {"type": "changes", "ref": 1, "conversation": group, "since": since}
                answer = await person.socket.ask(json.dumps(question))
                person.heard.update(int(number) for number, _sent in MARK.findall(answer))
                changes = json.loads(answer)

    @property
    def acts(self) -> dict[str, Act]:
        return {
            capacity.SEND: self._send,
            capacity.READ: self._read_next,
            "open a chat as a whole page": self._open_page,
            "open a chat in the page": self._open_pane,
            "load older messages": self._load_older,
            "load the list": self._load_list,
            "search": self._search,
            "reconnect and catch up": self._reconnect,
        }

    async def _repeat(self, act: Act, rate: float, deadline: float) -> None:
        """Let somebody act at random times, on average `rate` times a second."""
        while (pause := self._dice.expovariate(rate)) < deadline - time.monotonic():
            await asyncio.sleep(pause)
            self._tasks.create_task(act(self._dice.choice(self.people)))
            self._count += 1

    # what people do

    async def _send(self, person: Person) -> None:
        group, number = self._dice.choice(person.groups), next(self._numbers)
        message = {"id": str(uuid7()), "body": marked(number)}
        start = time.monotonic()
        await self._post(f"/conversations/{group}/messages", message, person.token)
        self.latencies.append(time.monotonic() - start)
        for member in self._members[group]:
            member.expected.add(number)

    def _arrived(self, person: Person, message: Json) -> None:
        is_own = message["sender"]["username"] == person.account["name"]
        if self._reads_what_arrives and not is_own:
            self._tasks.create_task(self._read(person, message["conversation"], message["seq"]))

    async def _read(self, person: Person, conversation: str, seq: int) -> None:
        await asyncio.sleep(self._dice.uniform(0, READ_WITHIN))
        receipt = {"type": "receipt", "ref": 1, "conversation": conversation, "read_seq": seq}
        await person.socket.ask(json.dumps(receipt))

    async def _read_next(self, person: Person) -> None:
        """Read the next message of the people's old ones."""
        group = self._dice.choice(person.groups)
        person.read[group] = person.read.get(group, 0) + 1
        await self._read(person, group, person.read[group])

    async def _open_page(self, person: Person) -> None:
        await self._get(f"/chats/{self._dice.choice(person.groups)}", person.session)

    async def _open_pane(self, person: Person) -> None:
        htmx = {"HX-Request": "true", "HX-Target": "pane"}
        await self._get(f"/chats/{self._dice.choice(person.groups)}", person.session | htmx)

    async def _load_older(self, person: Person) -> None:
        path = f"/conversations/{self._dice.choice(person.groups)}/messages"
        await self._get(path, person.token)

    async def _load_list(self, person: Person) -> None:
        await self._get(f"/conversations?limit={CONVERSATIONS}", person.token)

    async def _search(self, person: Person) -> None:
        await self._get("/messages?q=garden+tick", person.token)

    async def _reconnect(self, person: Person) -> None:
        """Open a new socket before the old one is given up, and ask for what was missed."""
        old, person.socket = person.socket, await self._connected(person)
        await person.socket.ready
        question = {"type": "changes", "ref": 1, "conversation": person.groups[0], "since": 1}
        await person.socket.ask(json.dumps(question))
        await until(lambda: not old.unanswered)
        old.close()

    async def _get(self, path: str, headers: dict[str, str]) -> None:
        async with self._connection() as connection:
            status, answer = await connection.get(path, **headers)
        assert status == HTTPStatus.OK, answer[:500]

    async def _post(self, path: str, body: Json, headers: dict[str, str]) -> None:
        async with self._connection() as connection:
            status, answer = await connection.post(path, body, **headers)
        assert status == HTTPStatus.CREATED, answer[:500]

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await self._connections.get()
        try:
            yield connection
        finally:
            self._connections.put_nowait(connection)
