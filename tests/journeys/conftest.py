"""A server as people run it, browsers that look at it, and the cast."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.journeys.people import Person
from tests.journeys.windows import PATIENCE_MS, Window
from tests.resilience import servers
from tests.resilience.servers import Server, Variables

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = (
    "no Chromium found for the browser journeys: install your system's chromium, "
    "or run .venv/bin/playwright install chromium"
)
ARGUMENTS = [
    *("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"),
    "--use-fake-device-for-media-stream",  # a microphone that beeps
]
# What is let go of when one leaves a page is no failure.
LET_GO = "net::ERR_ABORTED"
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("against the CSP:", event.violatedDirective, event.blockedURI, event.sourceFile));
"""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line a request would hide a failure


# --- the server ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def stage(tmp_path_factory) -> Iterator[tuple[Server, list[Any]]]:
    """This process's server, with a database of its own, and the people in it."""
    folder = tmp_path_factory.mktemp("journeys")
    with ExitStack() as end:
        variables = {"DATA_DIR": str(folder)}
        if os.environ.get("DATABASE_URL"):
            variables |= _services(end)
        program = f"from tests.journeys import cast; cast.assemble({str(folder / 'cast.json')!r})"
        servers.manage(variables, "shell", "--verbosity=0", "--command", program)
        server = Server(variables)
        end.callback(lambda: server.is_alive and server.kill())
        yield server.start(), json.loads((folder / "cast.json").read_text())


def _services(end: ExitStack) -> Variables:
    redis = urlsplit(os.environ["REDIS_URL"])
    # The other tests empty theirs.
    other = (int(redis.path.strip("/") or 0) + 1) % 16
    return {
        "DATABASE_URL": end.enter_context(servers.new_database(os.environ["DATABASE_URL"])),
        "REDIS_URL": urlunsplit(redis._replace(path=f"/{other}")),
    }


@pytest.fixture
def server(stage) -> Server:
    """Running, whatever the last test has done to it."""
    server, _troupes = stage
    return server if server.is_alive else server.start()


# --- the people ----------------------------------------------------------------------------------


@pytest.fixture
def troupe(stage, server) -> Iterator[dict[str, Person]]:
    """People that nobody else has met."""
    _server, troupes = stage
    people = _people(troupes.pop(), server)
    yield people
    for person in people.values():
        person.leave_the_room()


def _people(troupe: dict[str, Any], server: Server) -> dict[str, Person]:
    return {
        name: Person(name, **described, address=f"http://{server.address}")
        for name, described in troupe.items()
    }


@pytest.fixture
def troupes(stage, server) -> Iterator[Callable[[int], list[dict[str, Person]]]]:
    """troupes(2) are eight more people that nobody has met."""
    _server, waiting = stage
    with ExitStack() as end:

        def more(number: int) -> list[dict[str, Person]]:
            called = [_people(waiting.pop(), server) for _ in range(number)]
            for person in (person for people in called for person in people.values()):
                end.callback(person.leave_the_room)
            return called

        yield more


@pytest.fixture
def alice(troupe) -> Person:
    return troupe["Alice"]


@pytest.fixture
def bob(troupe) -> Person:
    return troupe["Bob"]


@pytest.fixture
def carol(troupe) -> Person:
    return troupe["Carol"]


@pytest.fixture
def dave(troupe) -> Person:
    return troupe["Dave"]


# --- the browser ---------------------------------------------------------------------------------


def pytest_runtest_setup() -> None:
    """Not in a fixture: from here, all that is skipped is told in one line."""
    if not find_chromium():
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with this package: asynchronous tests cannot run beside Playwright's loop."""
    arguments = ARGUMENTS + ["--no-sandbox"] * (os.getuid() == 0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


@cache
def find_chromium() -> str | None:
    """The system's, else the one that Playwright has downloaded."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None) or _downloaded_chromium()


def _downloaded_chromium() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


class Complaints:
    """What a browser complains about, and what of it a test has asked for."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._expected: list[str] = []

    def expect(self, *patterns: str) -> None:
        self._expected += patterns

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.heard if not self._is_expected(text)]

    def _is_expected(self, text: str) -> bool:
        return any(re.search(pattern, text) for pattern in self._expected)

    def listen(self, context: BrowserContext) -> None:
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.heard.append(f"error: {error.error}"))
        context.on("dialog", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"console: {message.text} ({message.location['url']})")

    def _asked(self, dialog: Dialog) -> None:
        """To leave a page is always allowed; another question is answered by yes if a test has expected it."""
        if dialog.type == "beforeunload" or self._is_expected(dialog.message):
            return dialog.accept()
        self.heard.append(dialog.message)
        dialog.dismiss()

    def _failed(self, request: Request) -> None:
        if request.failure != LET_GO:
            self.heard.append(f"{request.failure} {request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.heard.append(f"{response.status} {response.request.method} {response.url}")


@pytest.fixture
def complaints() -> Complaints:
    """complaints.expect("404") allows what the test is about."""
    return Complaints()


@pytest.fixture
def window(chromium, server, complaints) -> Iterator[Callable[..., Window]]:
    """window(alice) shows her chats; window() is a stranger's. Other words go to the browser."""
    with ExitStack() as end:

        def look(
            person: Person | None = None, *, device: int = 0, path: str = "/", **options: Any
        ) -> Window:
            context = chromium.new_context(
                base_url=f"http://{server.address}", reduced_motion="reduce", **options
            )
            end.callback(context.close)
            complaints.listen(context)
            if person:
                context.add_cookies([_session_cookie(server, person.sessions[device])])
            view = Window(context.new_page())
            view.go(path)
            return view

        yield look
    assert complaints.unexpected == []


def _session_cookie(server: Server, session: str) -> dict[str, str]:
    return {"name": "sessionid", "value": session, "url": f"http://{server.address}"}
