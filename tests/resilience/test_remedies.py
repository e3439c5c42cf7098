"""What docs/scaling.md recommends for more load works: PgBouncer and Sentinel.

Slow and with programs that nothing else needs, so only `make soak` runs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.resilience.conftest import require
from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import OwnRedis, Program, until, wait_until
from tests.resilience.writers import Writer, Writing, assert_complete

pytestmark = [pytest.mark.services, pytest.mark.soak]

WRITERS = 8
MESSAGES = 400
ANYBODY = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
FAILOVER_MS = 1000  # until a silent primary is replaced; ten times as long is usual
HEALED_SECONDS = 75
SERVER_CONNECTIONS = 4


class PgBouncer(Program):
    """A connection pooler in transaction mode, in front of the PostgreSQL of a URL."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__()
        behind = urlsplit(url)
        self.url = (
            f"postgres://{behind.username}@127.0.0.1:{self.port}{behind.path}"
            "?disable_server_side_cursors=True"
        )
        self.file = folder / "pgbouncer.ini"
        self.file.write_text(
            f"""
            [databases]
            * = host={behind.hostname} port={behind.port or 5432} user={behind.username}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {SERVER_CONNECTIONS}
            ignore_startup_parameters = extra_float_digits,options
            """
        )

    def launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["pgbouncer", "--quiet", self.file], stderr=subprocess.DEVNULL, **ANYBODY
        )

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url.partition("?")[0], connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


class Replica(OwnRedis):
    """A Redis that copies another one."""

    def __init__(self, primary: OwnRedis) -> None:
        super().__init__()
        self.primary = primary

    def launch(self) -> subprocess.Popen[bytes]:
        return self.launch_with(replicaof=f"127.0.0.1 {self.primary.port}")


class Sentinel(OwnRedis):
    """One of several processes that together replace a primary that does not answer."""

    def __init__(self, primary: OwnRedis, folder: Path, *, quorum: int) -> None:
        super().__init__()
        self.file = folder / f"{self.port}.conf"
        self.file.write_text(
            f"""port {self.port}
bind 127.0.0.1
sentinel monitor chatflow 127.0.0.1 {primary.port} {quorum}
sentinel down-after-milliseconds chatflow {FAILOVER_MS}
sentinel failover-timeout chatflow 5000
"""
        )

    def launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["redis-server", self.file, "--sentinel"], stdout=subprocess.DEVNULL
        )


class HaProxy(Program):
    """A proxy whose port always leads to the Redis that is the primary."""

    def __init__(self, servers: list[OwnRedis], folder: Path) -> None:
        super().__init__()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.file = folder / "haproxy.cfg"
        lines = "".join(
            f"  server redis{each.port} 127.0.0.1:{each.port} check inter 200ms fall 1 rise 1"
            " on-marked-down shutdown-sessions\n"
            for each in servers
        )
        self.file.write_text(
            f"""defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout check 500ms
listen redis
  bind 127.0.0.1:{self.port}
  option tcp-check
  tcp-check connect
  tcp-check send "info replication\\r\\n"
  tcp-check expect string role:master
{lines}"""
        )

    def launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["haproxy", "-f", self.file], stderr=subprocess.DEVNULL)

    answers = OwnRedis.answers


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that programs which give up root may read."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


async def test_pgbouncer_in_transaction_mode_carries_chats_and_its_restart_loses_nothing(
    on_postgres, started, serve, people, folder, figure
):
    require("pgbouncer")
    pooler = started(PgBouncer(on_postgres["DATABASE_URL"], folder))
    servers = [serve(on_postgres | {"DATABASE_URL": pooler.url}) for _ in range(2)]
    alice, bob = await people(servers[0], "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing(*(Writer(alice, conversation, f"writer {n}") for n in range(WRITERS)))
    async with LiveClient(bob) as client:
        await writing.write(MESSAGES // 2)
        connections = server_connections(on_postgres["DATABASE_URL"])
        pooler.stop()
        pooler.start()
        await writing.write(MESSAGES // 2)
        await until(lambda: client.has(*writing.acknowledged.values()))

    figure("connections to PostgreSQL", f"{connections} for two processes")
    assert connections <= SERVER_CONNECTIONS
    assert_complete(await bob.history(conversation), writing.acknowledged)


def server_connections(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row
    return int(row[0])


async def test_sentinel_fails_over_and_live_delivery_returns(
    on_postgres, started, serve, people, folder, figure
):
    require("haproxy")
    require("redis-server")
    primary = started(OwnRedis())
    replica = started(Replica(primary))
    sentinels = [started(Sentinel(primary, folder, quorum=2)) for _ in range(3)]
    proxy = started(HaProxy([primary, replica], folder))
    servers = [serve(on_postgres | {"REDIS_URL": proxy.url, "THROTTLE": "on"}) for _ in range(2)]
    alice, bob = await people(servers[0], "alice", "bob")
    bob.servers = servers[1:]
    conversation = await alice.start_direct(bob)
    wait_until(lambda: b"slaves=1" in told(sentinels[0], "info sentinel"))
    wait_until(lambda: b"sentinels=3" in told(sentinels[0], "info sentinel"))
    async with LiveClient(bob) as client:
        before = await alice.say(conversation, "before")
        await until(lambda: client.has(before))

        primary.kill()
        start = time.monotonic()
        meanwhile = [await alice.say(conversation, f"meanwhile {n}") for n in range(5)]
        await until(lambda: b"role:master" in told(replica, "info replication"))
        figure("another primary after", f"{time.monotonic() - start:.1f} s")
        await until(lambda: client.has(*meanwhile), seconds=HEALED_SECONDS)
        after = await alice.say(conversation, "after")
        await until(lambda: client.has(after))
        figure("live again after", f"{time.monotonic() - start:.1f} s")

    acknowledged = {message["id"]: message for message in (before, *meanwhile, after)}
    assert_complete(await bob.history(conversation), acknowledged)


def told(program: OwnRedis, command: str) -> bytes:
    client = shutil.which("redis-cli") or "redis-cli"
    asked = [client, "-p", str(program.port), *command.split()]
    return subprocess.run(asked, capture_output=True, check=False).stdout
