"""What each operation costs PostgreSQL: statements, commits and processor time.

On a PostgreSQL of its own, which counts statements. Commits are counted in its write-ahead log,
because each of those waits for the disk; transactions that only read are not among them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from chatflow.identifiers import uuid7
from tests.load.http_client import Connection
from tests.load.measuring import Line, Scale, print_progress, three_figures
from tests.load.processes import PinnedServer, cpu_seconds_of_tree
from tests.load.site import Account, Ground, Site, can_start_services, names_of
from tests.load.socket_client import SocketClient, connect
from tests.resilience import servers
from tests.resilience.servers import OwnPostgres, find_program, own_postgres

MEMBERS = 20
GROUPS = 40
MESSAGES = 50  # of each group, more than there are rounds
LOGINS_AT_ONCE = 4  # more are refused while passwords are hashed
PASSWORD = "a long enough one"
BODY = "Plan for tomorrow: beds three and four, then lunch at one."
TRANSACTION_CONTROL = r"^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|SHOW)\y"

Act = Callable[[int], Coroutine[Any, Any, None]]  # by the number of its user


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    """Return a line for each operation, or none where no PostgreSQL can be started."""
    if not can_start_services():
        return []
    with ExitStack() as stack:
        counted = stack.enter_context(own_postgres(CountingPostgres))
        url = stack.enter_context(servers.new_database(counted.url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(ground.site_on({"DATABASE_URL": url}, folder))
        async with _acts(site, people=scale.returning + MEMBERS) as acts:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")  # a database in use has been
            rounds = max(2, round(scale.rounds * scale.seconds))
            return [
                await _line(name, act, Meter(counted, url, site.server), rounds)
                for name, act in acts.items()
            ]


async def _line(name: str, act: Act, meter: Meter, rounds: int) -> Line:
    print_progress(f"database: {name}")
    for _ in range(2):  # prepared queries and caches
        await asyncio.gather(*map(act, range(MEMBERS)))
    meter.start()
    for _ in range(rounds):
        await asyncio.gather(*map(act, range(MEMBERS)))
    return meter.line(name, rounds * MEMBERS)


class CountingPostgres(OwnPostgres):
    """A PostgreSQL with pg_stat_statements."""

    options = (
        *("-c", "shared_preload_libraries=pg_stat_statements"),
        *("-c", "pg_stat_statements.track_planning=on"),
    )


@dataclass
class Meter:
    """Counts what a PostgreSQL and the server before it do from `start` on."""

    postgres: OwnPostgres
    url: str
    server: PinnedServer

    def start(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            self._position = self._log_position(connection)
            self._cpu = cpu_seconds_of_tree(self.postgres.process.pid)
            self._server_cpu = self.server.cpu_seconds
            connection.execute("SELECT pg_stat_statements_reset()")

    def line(self, name: str, operations: int) -> Line:
        server_cpu = self.server.cpu_seconds - self._server_cpu
        cpu = cpu_seconds_of_tree(self.postgres.process.pid) - self._cpu
        with psycopg.connect(self.url, autocommit=True) as connection:
            statements, milliseconds = connection.execute(
                "SELECT sum(calls), sum(total_plan_time + total_exec_time) FROM pg_stat_statements"
                " JOIN pg_database ON oid = dbid AND datname = current_database()"
                " WHERE query !~ %s AND query !~ 'pg_stat_statements'",
                [TRANSACTION_CONTROL],
            ).fetchone() or (0, 0)
            commits = self._commits_until(self._log_position(connection))
        per_operation = {
            "statements": statements / operations,
            "commits": commits / operations,
            "µs in statements, waiting included": milliseconds * 1000 / operations,
            "PostgreSQL CPU µs": cpu * 1e6 / operations,
        }
        return Line(
            "database",
            name,
            cpu_us=server_cpu * 1e6 / operations,
            facts={
                name: three_figures(float(value)) or "0" for name, value in per_operation.items()
            },
        )

    def _log_position(self, connection: psycopg.Connection) -> str:
        (position,) = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone() or ("",)
        return str(position)

    def _commits_until(self, end: str) -> int:
        records = subprocess.run(
            [
                *(find_program("pg_waldump"), "--path", self.postgres.folder / "pg_wal"),
                *("--rmgr", "Transaction", "--start", self._position, "--end", end),
            ],
            capture_output=True,
            text=True,
            check=False,  # there may be no record at all
        )
        return records.stdout.count("desc: COMMIT")


# --- the operations ------------------------------------------------------------------------------


@asynccontextmanager
async def _acts(site: Site, *, people: int) -> AsyncIterator[dict[str, Act]]:
    members = site.fill("people", count=people)[:MEMBERS]
    groups = site.fill("groups", members=[names_of(members)] * GROUPS)
    site.fill("messages", conversations=groups, each=MESSAGES)
    site.fill("build_index")
    members = site.fill("accounts", names=names_of(members))
    host = site.server.address
    programs = [await Connection.to(host, **_token(each)) for each in members]
    browsers = [await Connection.to(host, **_session(each)) for each in members]
    sockets = [await _socket(host, each) for each in members]
    for number, program in enumerate(programs):
        name = f"visitor{number}"
        fields = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        await _post(program, "/auth/register", fields)
    group = f"/conversations/{groups[0]}"
    gate = asyncio.Semaphore(LOGINS_AT_ONCE)
    numbers = [count(1) for _ in members]
    try:
        yield {
            "send a message": lambda user: _post(
                programs[user], f"{group}/messages", {"id": str(uuid7()), "body": BODY}
            ),
            "receipt, all members of a group": lambda user: _receipt(
                sockets[user], groups[1], next(numbers[user])
            ),
            "conversation list": lambda user: _get(programs[user], "/conversations?limit=40"),
            "history page": lambda user: _get(programs[user], f"{group}/messages"),
            "chat page": lambda user: _get(browsers[user], f"/chats/{groups[0]}"),
            "search for messages": lambda user: _get(programs[user], "/messages?q=garden+tick"),
            "search for users": lambda user: _get(programs[user], "/users?search=perso"),
            "login": lambda user: _log_in(programs[user], user, gate),
        }
    finally:
        for client in (*programs, *browsers, *sockets):
            client.close()


def _token(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account['token']}"}


def _session(account: Account) -> dict[str, str]:
    return {"Cookie": f"sessionid={account['session']}"}


async def _socket(host: str, account: Account) -> SocketClient:
    client = await connect(host, token=account["token"])
    await client.ready
    return client


async def _get(connection: Connection, path: str) -> None:
    status, answer = await connection.get(path)
    assert status == 200, answer[:500]


async def _post(connection: Connection, path: str, body: dict[str, Any]) -> None:
    status, answer = await connection.post(path, body)
    assert status in (200, 201), answer[:500]


async def _receipt(client: SocketClient, conversation: str, number: int) -> None:
    receipt = {"type": "receipt", "ref": 1, "conversation": conversation, "read_seq": number}
    answer = await client.ask(json.dumps(receipt))
    assert b'"ack"' in answer, answer


async def _log_in(connection: Connection, user: int, gate: asyncio.Semaphore) -> None:
    async with gate:
        login = {"login": f"visitor{user}", "password": PASSWORD}
        await _post(connection, "/auth/login", login)
