"""Several processes behind nginx: who spends how much processor time on a message.

Writers send to their conversations in turn over HTTP, each as soon as the last answer has arrived,
while readers receive everything on sockets. Everything shares the cores of this machine with the
clients, so the processor time of each part says more than the rate.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import cycle, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from chatflow.identifiers import uuid7
from tests.load.http_client import Connection
from tests.load.measuring import Act, Contender, Line, Scale, print_progress, three_figures
from tests.load.processes import cpu_seconds_of_tree
from tests.load.site import Account, Ground, Site, can_start_services, names_of
from tests.load.socket_client import SocketClient, connect, marked
from tests.resilience.servers import (
    OwnPostgres,
    OwnRedis,
    Program,
    new_database,
    own_postgres,
    until,
)

READERS = 4  # of every conversation


class Sizes(NamedTuple):
    processes: tuple[int, ...]
    writers: tuple[int, ...]
    conversations: tuple[int, ...]


SIZES = {
    "full": Sizes((1, 2, 4), (16, 64), (1, 16, 1000)),
    "quick": Sizes((1, 2, 4), (16,), (1, 16, 200)),
    "tiny": Sizes((2,), (4,), (1, 4)),
}


class Nginx(Program):
    """A proxy that spreads connections over the servers of a site."""

    def __init__(self, folder: Path, site: Site) -> None:
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"
        self.file = folder / "nginx.conf"
        upstream = " ".join(f"server {server.address};" for server in site.servers)
        temporary = " ".join(
            f"{kind}_temp_path {folder};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.file.write_text(
            f"""
            daemon off; worker_processes 2; pid {folder}/pid; error_log stderr;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; {temporary}
                upstream chatflow {{ {upstream} keepalive 64; }}
                map $http_upgrade $connection_header {{ default upgrade; '' ''; }}
                server {{
                    listen {self.address};
                    location / {{
                        proxy_pass http://chatflow; proxy_http_version 1.1;
                        proxy_set_header Host $http_host;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection $connection_header;
                    }}
                }}
            }}
            """
        )

    def launch(self) -> subprocess.Popen[bytes]:
        command = ["nginx", "-c", str(self.file), "-p", str(self.file.parent)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def answers(self) -> bool:
        return Path(self.file.parent, "pid").exists()


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    """Return a line for each combination of SIZES, or none where no services can be started."""
    if not can_start_services():
        return []
    sizes = SIZES[scale.name]
    lines = []
    with own_postgres() as postgres, own_redis() as cache:
        for processes in sizes.processes:
            with (
                site_on_services(ground, postgres, cache, processes) as site,
                _nginx(site) as nginx,
            ):
                parts = {
                    "web": lambda site=site: sum(server.cpu_seconds for server in site.servers),
                    "PostgreSQL": partial(cpu_seconds_of_tree, postgres.process.pid),
                    "Redis": partial(cpu_seconds_of_tree, cache.process.pid),
                    "nginx": partial(cpu_seconds_of_tree, nginx.process.pid),
                }
                for conversations, writers in product(sizes.conversations, sizes.writers):
                    case = f"{processes} × web, {writers} writers, {conversations} conversations"
                    print_progress(f"processes: {case}")
                    crowd = _crowd(site, writers=writers, conversations=conversations)
                    async with _clients(nginx, crowd) as (acts, readers):
                        lines.append(await _line(case, acts, readers, parts, scale))
    return lines


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    cache = OwnRedis().start()
    try:
        yield cache
    finally:
        cache.stop()


@contextmanager
def site_on_services(
    ground: Ground, postgres: OwnPostgres, cache: OwnRedis, processes: int
) -> Iterator[Site]:
    with new_database(postgres.url) as url, TemporaryDirectory() as folder:
        variables = {"DATABASE_URL": url, "REDIS_URL": cache.url}
        with ground.site_on(variables, Path(folder), processes=processes) as site:
            yield site


@contextmanager
def _nginx(site: Site) -> Iterator[Nginx]:
    with TemporaryDirectory() as folder:
        nginx = Nginx(Path(folder), site).start()
        try:
            yield nginx
        finally:
            nginx.stop()


async def _line(
    case: str,
    acts: list[Act],
    readers: list[SocketClient],
    parts: dict[str, Callable[[], float]],
    scale: Scale,
) -> Line:
    contender = Contender(case, [], acts)
    await contender.run(scale.seconds / 3)
    before = {part: read() for part, read in parts.items()}
    warm = contender.count
    measured = await contender.run(scale.seconds * scale.rounds)
    total = contender.count
    await until(lambda: all(len(reader.heard) >= total for reader in readers))
    per_post = {
        part: (read() - before[part]) * 1e6 / (total - warm) for part, read in parts.items()
    }
    delays = sorted(delay for reader in readers for delay in reader.seconds)
    facts = {f"{part} CPU µs": three_figures(micros) or "0" for part, micros in per_post.items()}
    facts["delivered p99 ms"] = three_figures(delays[len(delays) * 99 // 100] * 1000)
    return Line(
        "processes",
        case,
        rate=measured.rate,
        p50_ms=measured.p50_ms,
        p99_ms=measured.p99_ms,
        cpu_us=sum(per_post.values()),
        client_share=measured.client_share,
        is_complete=all(len(reader.heard) == total for reader in readers),
        facts=facts,
    )


class _Crowd(NamedTuple):
    readers: list[Account]
    conversations_of: list[tuple[Account, list[str]]]  # of each writer


def _crowd(site: Site, *, writers: int, conversations: int) -> _Crowd:
    """Create users and conversations: each writer has their share, or several share one."""
    prefix = f"w{writers}c{conversations}n"
    people = site.fill("people", count=READERS + writers, prefix=prefix)
    readers, authors = people[:READERS], people[READERS:]
    members = [
        names_of([*readers, *_sharing(authors, number, conversations)])
        for number in range(conversations)
    ]
    groups = site.fill("groups", members=members)
    own = [groups[number % conversations :: writers] for number in range(writers)]
    return _Crowd(readers, list(zip(authors, own, strict=True)))


def _sharing(authors: list[Account], number: int, conversations: int) -> list[Account]:
    if conversations >= len(authors):
        return [authors[number % len(authors)]]
    return authors[number::conversations]


@asynccontextmanager
async def _clients(
    nginx: Nginx, crowd: _Crowd
) -> AsyncIterator[tuple[list[Act], list[SocketClient]]]:
    numbers = iter(range(10**9))
    readers = [await connect(nginx.address, token=each["token"]) for each in crowd.readers]
    await asyncio.gather(*(reader.ready for reader in readers))
    connections = []
    acts = []
    for author, groups in crowd.conversations_of:
        token = f"Bearer {author['token']}"
        connections.append(await Connection.to(nginx.address, Authorization=token))
        acts.append(_posting(connections[-1], groups, numbers))
    try:
        yield acts, readers
    finally:
        for client in (*connections, *readers):
            client.close()


def _posting(connection: Connection, groups: list[str], numbers: Iterator[int]) -> Act:
    turns = cycle(groups)

    async def post() -> None:
        message = {"id": str(uuid7()), "body": marked(next(numbers))}
        path = f"/conversations/{next(turns)}/messages"
        status, answer = await connection.post(path, message)
        assert status == 201, answer

    return post
