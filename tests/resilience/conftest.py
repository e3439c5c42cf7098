"""Servers, services and users of the resilience tests, and the figures that they measure."""

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

from tests.resilience import servers
from tests.resilience.people import Person
from tests.resilience.servers import OwnPostgres, OwnRedis, Program, Server, Variables

logging.getLogger("httpx2").setLevel(logging.WARNING)  # one line per request would hide a failure

Figures = dict[str, str]
FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a migrated, empty SQLite database to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    servers.manage({"DATA_DIR": str(folder)}, "migrate", "--verbosity=0")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The PostgreSQL of DATABASE_URL."""
    return os.environ["DATABASE_URL"]


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[str]:
    """The name of a migrated, empty database to copy."""
    with servers.new_database(postgres_url) as url:
        folder = str(tmp_path_factory.mktemp("migrated"))
        servers.manage({"DATA_DIR": folder, "DATABASE_URL": url}, "migrate", "--verbosity=0")
        yield url.rpartition("/")[2]


@pytest.fixture
def on_sqlite(migrated: Path, tmp_path: Path) -> Variables:
    """The variables of a server with its own SQLite database."""
    folder = tmp_path / "data"
    shutil.copytree(migrated, folder)
    return {"DATA_DIR": str(folder)}


@pytest.fixture
def on_postgres(migrated_database: str, postgres_url: str, tmp_path: Path) -> Iterator[Variables]:
    """The variables of servers with their own database, and the Redis of REDIS_URL."""
    with servers.new_database(postgres_url, like=migrated_database) as url:
        yield {
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": url,
            "REDIS_URL": os.environ["REDIS_URL"],
        }


@pytest.fixture(params=["on_sqlite", pytest.param("on_postgres", marks=pytest.mark.services)])
def on_either(request: pytest.FixtureRequest) -> Variables:
    """The variables of a server, on each engine."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def started() -> Iterator[Callable[[Program], Any]]:
    """started(program) starts a program that ends with the test."""
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
    """A Redis that the test may stop."""
    require("redis-server")
    return started(OwnRedis())


@pytest.fixture
def postgres(started: Callable[[Program], Any]) -> Iterator[OwnPostgres]:
    """A PostgreSQL that the test may stop."""
    require("initdb")
    # pytest's own directory is readable only by the user who runs the tests.
    with tempfile.TemporaryDirectory() as folder:
        program = OwnPostgres(Path(folder))
        yield started(program)
        if program.is_alive:
            program.kill()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of SQLite servers where `make test-services` would only repeat them."""
    if not os.environ.get("DATABASE_URL"):
        return
    repeated = [item for item in items if _is_short_test_on_sqlite(item)]
    config.hook.pytest_deselected(items=repeated)
    items[:] = [item for item in items if not _is_short_test_on_sqlite(item)]


def _is_short_test_on_sqlite(item: pytest.Item) -> bool:
    return (
        Path(__file__).parent in item.path.parents
        and ("on_sqlite" in item.name or "on_sqlite" in getattr(item, "fixturenames", ()))
        and not item.get_closest_marker("soak")
    )


def require(program: str) -> None:
    if not servers.find_program(program):
        pytest.skip(f"{program} is not installed, and these tests start it")


@pytest_asyncio.fixture
async def people() -> AsyncIterator[Callable[..., Any]]:
    """`await people(server, "alice", "bob")` registers users on a server."""
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
    """figure("messages", "2000") adds a line to the table at the end of the run."""

    def note(name: str, value: str) -> None:
        figures = request.config.stash.setdefault(FIGURES, {})
        test = request.node.name.removeprefix("test_").replace("_", " ")
        figures[f"{test}: {name}"] = value

    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table. `make soak` runs without xdist, which would keep figures in workers."""
    if figures := config.stash.get(FIGURES, {}):
        terminalreporter.section("figures")
        width = max(map(len, figures))
        for name, value in figures.items():
            terminalreporter.line(f"{name:{width}}  {value}")
