"""Real processes that tests start, freeze and kill: ChatFlow servers, a Redis and a PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

PROJECT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 120  # generous, for a busy machine; nothing takes this long
# Below the ephemeral ports: a client that keeps connecting to a dead server on one of those may
# connect to itself, and then the server cannot bind its port again.
PORTS = range(20_000, 32_000)
NOTHING_SET = {
    name: ""
    for name in (
        *("BIND", "DATABASE_URL", "DEBUG", "LOG_FORMAT", "METRICS_TOKEN", "PUBLIC_URL"),
        *("EMAIL_FROM", "EMAIL_URL", "REDIS_URL", "REGISTRATION", "TRUSTED_PROXIES"),
    )
}
ALWAYS_SET = {
    "DJANGO_SETTINGS_MODULE": "chatflow.settings",
    "MESSAGE_KEYS": "b25seSBmb3IgdGVzdHMsIG5ldmVyIGZvciBwZW9wbGU=",
    "SECRET_KEY": "only-for-tests-never-for-people-only-for-tests-never-for-people",
    "THROTTLE": "off",
}

Variables = dict[str, str]


class Program:
    """A process that listens on its own port and can be stopped, killed and frozen."""

    process: subprocess.Popen[bytes]

    def __init__(self) -> None:
        self.port = free_port()

    def start(self) -> Self:
        self.process = self.launch()
        wait_until(self.is_up)
        return self

    def launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def is_up(self) -> bool:
        assert self.is_alive, "the process ended during startup"
        return self.answers()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        self.send_signal(number)
        self.thaw()
        return self.process.wait(TIMEOUT_SECONDS)

    def stop(self) -> int:
        return self.end(signal.SIGTERM)

    def kill(self) -> int:
        return self.end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the process while its connections stay open, and return once it stands still."""
        self.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self.send_signal(signal.SIGCONT)


class Server(Program):
    """`manage.py serve` with the given variables only."""

    def __init__(self, variables: Variables) -> None:
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"
        self.log = Path(variables["DATA_DIR"]) / f"{self.port}.log"
        self.variables = variables | {"PORT": str(self.port)}

    def launch(self) -> subprocess.Popen[bytes]:
        # WhiteNoise warns if this directory, which `prepare` creates, is missing.
        Path(self.variables["DATA_DIR"], "static").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=PROJECT,
                env=environment(self.variables),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_up(self) -> bool:
        assert self.is_alive, self.output()[-3000:]
        return self.answers()

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def output(self) -> str:
        return self.log.read_text()

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class OwnRedis(Program):
    """A Redis without persistence."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def launch(self) -> subprocess.Popen[bytes]:
        return self.launch_with()

    def launch_with(self, **more: str) -> subprocess.Popen[bytes]:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", **more}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        return subprocess.Popen(
            ["redis-server", *arguments], cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL
        )

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False


class OwnPostgres(Program):
    """A PostgreSQL whose data survives stops and crashes."""

    options: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.folder = folder
        # PostgreSQL refuses to run as root.
        self.user = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
        shutil.chown(folder, self.user.get("user", os.getuid()))
        self.call("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")

    def call(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [find_program(name), "-D", self.folder, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            **self.user,
        )

    def launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(find_program("postgres"), "-D", self.folder, "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *self.options,
            ],
            stderr=subprocess.DEVNULL,
            **self.user,
        )

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def freeze(self) -> None:
        """Freeze the server and the processes that serve its connections."""
        super().freeze()
        self._signal_workers(signal.SIGSTOP)

    def thaw(self) -> None:
        super().thaw()
        self._signal_workers(signal.SIGCONT)

    def _signal_workers(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for process in children.read_text().split():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(int(process), number)

    def stop(self) -> int:
        """Close all connections, as a restart does."""
        return self.end(signal.SIGINT)

    def kill(self) -> int:
        """End immediately, children included, so that the next start is a recovery."""
        return self.end(signal.SIGQUIT)


@contextmanager
def own_postgres(kind: type[OwnPostgres] = OwnPostgres) -> Iterator[OwnPostgres]:
    """Start a PostgreSQL with a directory of its own, outside of those that only root may enter."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = kind(Path(folder)).start()
        try:
            yield postgres
        finally:
            postgres.stop()


@contextmanager
def new_database(server_url: str, *, like: str = "template1"):
    """Create a database on a PostgreSQL server and yield its URL."""
    name = f"resilience_{os.getpid()}_{random.getrandbits(32):x}"
    with administrator(server_url) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with administrator(server_url) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def administrator(server_url: str) -> psycopg.Connection:
    return psycopg.connect(server_url, dbname="postgres", autocommit=True)


def manage(variables: Variables, *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=PROJECT, env=environment(variables), check=True)


def environment(variables: Variables) -> Variables:
    """Return this process's environment without its ChatFlow variables, plus the given ones."""
    return {**os.environ, **NOTHING_SET, **ALWAYS_SET, **variables}


def find_program(name: str) -> str | None:
    """Find a program on PATH, or among Debian's PostgreSQL versions."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    return shutil.which(name) or (str(newest) if newest else None)


def free_port() -> int:
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        time.sleep(0.02)


async def until(condition: Callable[[], object], *, seconds: float = TIMEOUT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        await asyncio.sleep(0.02)
