"""ChatFlow with its own data, on the engine of DATABASE_URL and REDIS_URL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.load.processes import PinnedServer, UnpinnedServer
from tests.resilience import servers
from tests.resilience.servers import Variables

Account = dict[str, str]  # name, token, session

ENGINES = {False: "SQLite, memory", True: "PostgreSQL, Redis"}


def is_on_services() -> bool:
    return bool(os.environ.get("DATABASE_URL"))


def can_start_services() -> bool:
    """Return whether to measure on services, and whether we can start some of our own."""
    programs = ("initdb", "redis-server", "nginx")
    return is_on_services() and all(map(servers.find_program, programs))


def engine() -> str:
    return ENGINES[is_on_services()]


class Site:
    """The servers of an instance, and a way to fill its database without them."""

    def __init__(self, variables: Variables, *, processes: int) -> None:
        kind = PinnedServer if processes == 1 else UnpinnedServer
        self.servers = [kind(variables) for _ in range(processes)]
        self.variables = variables

    @property
    def server(self) -> PinnedServer:
        return self.servers[0]

    def fill(self, act: str, **arguments: Any) -> Any:
        """Run the function of this name in tests.load.filling and return its result."""
        filler = subprocess.run(
            [sys.executable, "-m", "tests.load.filling", act],
            input=json.dumps(arguments).encode(),  # too long for an argument
            cwd=servers.PROJECT,
            env=servers.environment(self.variables),
            check=True,
            stdout=subprocess.PIPE,
        )
        return json.loads(filler.stdout)


def names_of(people: list[Account]) -> list[str]:
    return [person["name"] for person in people]


class Ground:
    """What all sites of a run share: a migrated database, static files and the reference server."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._count = 0
        self._start = folder / "start"
        self._start.mkdir()
        self._variables = {
            "DATA_DIR": str(self._start),
            "REDIS_URL": os.environ.get("REDIS_URL", ""),
        }
        if is_on_services():
            url = stack.enter_context(servers.new_database(os.environ["DATABASE_URL"]))
            self._variables["DATABASE_URL"] = url
        servers.manage(self._variables, "migrate", "--verbosity=0")
        servers.manage(self._variables, "collectstatic", "--no-input", "--verbosity=0")
        self.bare = self._started(PinnedServer(self._bare_variables()))

    @contextmanager
    def site(self, *, processes: int = 1) -> Iterator[Site]:
        """Start a site without users."""
        with ExitStack() as stack:
            variables = self._copied(stack)
            site = Site(variables, processes=processes)
            for server in site.servers:
                self._started(server, stack)
            yield site

    @contextmanager
    def site_on(self, variables: Variables, folder: Path, *, processes: int = 1) -> Iterator[Site]:
        """Start a site without users on the empty database of these variables."""
        shutil.copytree(self._start, folder, dirs_exist_ok=True)
        variables = self._variables | {"DATA_DIR": str(folder)} | variables
        servers.manage(variables, "migrate", "--verbosity=0")
        site = Site(variables, processes=processes)
        with ExitStack() as stack:
            for server in site.servers:
                self._started(server, stack)
            yield site

    def _copied(self, stack: ExitStack) -> Variables:
        self._count += 1
        folder = self._folder / str(self._count)
        shutil.copytree(self._start, folder)
        variables = self._variables | {"DATA_DIR": str(folder)}
        if is_on_services():
            name = self._variables["DATABASE_URL"].rpartition("/")[2]
            database = servers.new_database(os.environ["DATABASE_URL"], like=name)
            variables["DATABASE_URL"] = stack.enter_context(database)
        return variables

    def _bare_variables(self) -> Variables:
        folder = self._folder / "bare"
        folder.mkdir()
        return {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "tests.load.bare"}

    def _started(self, server: PinnedServer, stack: ExitStack | None = None) -> PinnedServer:
        (stack or self._stack).callback(_end, server)
        server.start()
        return server


def _end(server: PinnedServer) -> None:
    if hasattr(server, "process") and server.is_alive:
        server.kill()


@contextmanager
def ground() -> Iterator[Ground]:
    with TemporaryDirectory(prefix="chatflow-bench-") as folder, ExitStack() as stack:
        yield Ground(Path(folder), stack)
