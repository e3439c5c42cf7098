"""Servers, services and people of the truth tests, and the figures that they measure."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.truth import servers
from tests.truth.people import Person
from tests.truth.servers import OwnPostgres, OwnRedis, Program, Server, Variables

logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request would hide a failure

Figures = dict[str, str]
FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an empty SQLite database, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    servers.manage({"DATA_DIR": str(folder)}, "migrate", "--verbosity=0")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The PostgreSQL that the suite was given."""
    return os.environ["DATABASE_URL"]


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[str]:
    """The name of an empty database, to be copied."""
    with servers.new_database(postgres_url) as url:
        folder = str(tmp_path_factory.mktemp("migrated"))
        servers.manage({"DATA_DIR": folder, "DATABASE_URL": url}, "migrate", "--verbosity=0")
        yield url.rpartition("/")[2]


@pytest.fixture
def on_sqlite(migrated: Path, tmp_path: Path) -> Variables:
    """The variables of a server with an SQLite database of its own."""
    folder = tmp_path / "data"
    shutil.copytree(migrated, folder)
    return {"DATA_DIR": str(folder)}


@pytest.fixture
def on_postgres(migrated_database: str, postgres_url: str, tmp_path: Path) -> Iterator[Variables]:
    """The variables of servers that share a database of their own, and the Redis that was given."""
    with servers.new_database(postgres_url, like=migrated_database) as url:
        yield {
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "REDIS_URL": os.environ["REDIS_URL"],
        }


@pytest.fixture(params=["on_sqlite", pytest.param("on_postgres", marks=pytest.mark.services)])
def on_either(request: pytest.FixtureRequest) -> Variables:
    """Both engines, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def started() -> Iterator[Callable[[Program], Any]]:
    """started(program) starts it, and ends it with the test."""
    programs: list[Program] = []

    def start(program: Program) -> Program:
        programs.append(program)
        return program.start()

    yield start
    for program in reversed(programs):
        if program.is_alive:
            program.kill()


@pytest.fixture
def serve(started: Callable[[Program], Any]) -> Callable[[Variables], Server]:
    """serve(on_sqlite) is a running server."""
    return lambda variables: started(Server(variables))


@pytest.fixture
def redis(started: Callable[[Program], Any]) -> OwnRedis:
    """A Redis to be broken."""
    require("redis-server")
    return started(OwnRedis())


@pytest.fixture
def postgres(started: Callable[[Program], Any]) -> Iterator[OwnPostgres]:
    """A PostgreSQL to be broken."""
    require("initdb")
    # Not pytest's own folder, where only we may look.
    with tempfile.TemporaryDirectory() as folder:
        program = OwnPostgres(Path(folder))
        yield started(program)
        if program.is_alive:
            program.kill()


def require(program: str) -> None:
    if not servers.find_program(program):
        pytest.skip(f"{program} is not installed here, and these tests start one of their own")


@pytest_asyncio.fixture
async def people() -> AsyncIterator[Callable[..., Any]]:
    """`await people(server, "alice", "bob")` signs them up there."""
    everybody: list[Person] = []

    async def sign_up(server: Server, *names: str) -> list[Person]:
        newcomers = [Person(name, [server]) for name in names]
        everybody.extend(newcomers)
        return [await person.sign_up() for person in newcomers]

    yield sign_up
    for person in everybody:
        await person.http.aclose()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """figure("messages", "2000") puts a line into the table at the end of the run."""

    def note(name: str, value: str) -> None:
        figures = request.config.stash.setdefault(FIGURES, {})
        test = request.node.name.removeprefix("test_").replace("_", " ")
        figures[f"{test}: {name}"] = value

    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table; with xdist the figures stay in the workers, so `make soak` goes without."""
    if figures := config.stash.get(FIGURES, {}):
        terminalreporter.section("figures")
        width = max(map(len, figures))
        for name, value in figures.items():
            terminalreporter.line(f"{name:{width}}  {value}")
