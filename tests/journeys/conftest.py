"""A real server, users with accounts, and Chromium windows for the browser journeys."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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

from tests.journeys.chromium import find_chromium, launch_options
from tests.journeys.people import Person
from tests.journeys.windows import TIMEOUT_MS, Window
from tests.resilience import servers
from tests.resilience.servers import Server, Variables

NO_CHROMIUM = (
    "no Chromium found for the browser journeys: install your system's chromium, "
    "or run .venv/bin/playwright install chromium"
)
# The browser cancels requests when the user leaves a page.
CANCELLED = "net::ERR_ABORTED"
LOG_CSP_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error("violates the CSP:", event.violatedDirective, event.blockedURI, event.sourceFile));
"""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # otherwise it logs every request


# --- Server --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def server_with_users(tmp_path_factory) -> Iterator[tuple[Server, list[Any]]]:
    """Start a server with its own database; yields it and its unused sets of four users."""
    folder = tmp_path_factory.mktemp("journeys")
    with ExitStack() as end:
        variables = {"DATA_DIR": str(folder)}
        if os.environ.get("DATABASE_URL"):
            variables |= _services(end)
        file = folder / "accounts.json"
        program = f"from tests.journeys import accounts; accounts.create_accounts({str(file)!r})"
        servers.manage(variables, "shell", "--verbosity=0", "--command", program)
        server = Server(variables)
        end.callback(lambda: server.is_alive and server.kill())
        yield server.start(), json.loads(file.read_text())


def _services(end: ExitStack) -> Variables:
    redis = urlsplit(os.environ["REDIS_URL"])
    # The other tests flush the Redis database that REDIS_URL names.
    other = (int(redis.path.strip("/") or 0) + 1) % 16
    return {
        "DATABASE_URL": end.enter_context(servers.new_database(os.environ["DATABASE_URL"])),
        "REDIS_URL": urlunsplit(redis._replace(path=f"/{other}")),
    }


@pytest.fixture
def server(server_with_users) -> Server:
    """The server, started again if the previous test stopped it."""
    server, _user_sets = server_with_users
    return server if server.is_alive else server.start()


# --- Users ---------------------------------------------------------------------------------------


@pytest.fixture
def users(server_with_users, server) -> Iterator[dict[str, Person]]:
    """Users who share no conversation with the users of other tests."""
    _server, user_sets = server_with_users
    people = _people(user_sets.pop(), server)
    yield people
    for person in people.values():
        person.close()


def _people(accounts: dict[str, Any], server: Server) -> dict[str, Person]:
    return {
        name: Person(name, **described, address=f"http://{server.address}")
        for name, described in accounts.items()
    }


@pytest.fixture
def more_users(server_with_users, server) -> Iterator[Callable[[int], list[dict[str, Person]]]]:
    """A function that returns further sets of four users: `more_users(2)` returns eight."""
    _server, user_sets = server_with_users
    with ExitStack() as end:

        def take(number: int) -> list[dict[str, Person]]:
            taken = [_people(user_sets.pop(), server) for _ in range(number)]
            for person in (person for people in taken for person in people.values()):
                end.callback(person.close)
            return taken

        yield take


@pytest.fixture
def alice(users) -> Person:
    return users["Alice"]


@pytest.fixture
def bob(users) -> Person:
    return users["Bob"]


@pytest.fixture
def carol(users) -> Person:
    return users["Carol"]


@pytest.fixture
def dave(users) -> Person:
    return users["Dave"]


# --- Browser -------------------------------------------------------------------------------------


def pytest_runtest_setup() -> None:
    """Skip here and not in a fixture, so that pytest sums up all skipped tests in one line."""
    if not find_chromium():
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM, pytrace=False)
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser, closed after this package: async tests cannot run beside Playwright's loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        expect.set_options(timeout=TIMEOUT_MS)
        yield browser
        browser.close()


class BrowserErrors:
    """Errors, warnings, dialogs and failed requests of a browser, except those a test expects."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._expected: list[str] = []

    def expect(self, *patterns: str) -> None:
        self._expected += patterns

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.found if not self._is_expected(text)]

    def _is_expected(self, text: str) -> bool:
        return any(re.search(pattern, text) for pattern in self._expected)

    def listen(self, context: BrowserContext) -> None:
        context.add_init_script(LOG_CSP_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"error: {error.error}"))
        context.on("dialog", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"console: {message.text} ({message.location['url']})")

    def _asked(self, dialog: Dialog) -> None:
        """Accept dialogs about leaving a page and those that the test expects; dismiss others."""
        if dialog.type == "beforeunload" or self._is_expected(dialog.message):
            return dialog.accept()
        self.found.append(dialog.message)
        dialog.dismiss()

    def _failed(self, request: Request) -> None:
        if request.failure != CANCELLED:
            self.found.append(f"{request.failure} {request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status} {response.request.method} {response.url}")


@pytest.fixture
def browser_errors() -> BrowserErrors:
    """The errors of all windows; `browser_errors.expect("404")` allows those a test causes."""
    return BrowserErrors()


@pytest.fixture
def window(chromium, server, browser_errors) -> Iterator[Callable[..., Window]]:
    """A function that opens a window: `window(alice)` is logged in, `window()` is not."""
    with ExitStack() as end:

        def open_window(
            person: Person | None = None, *, device: int = 0, path: str = "/", **options: Any
        ) -> Window:
            context = chromium.new_context(
                base_url=f"http://{server.address}", reduced_motion="reduce", **options
            )
            end.callback(context.close)
            browser_errors.listen(context)
            if person:
                context.add_cookies([_session_cookie(server, person.sessions[device])])
            view = Window(context.new_page())
            view.go(path)
            return view

        yield open_window
    assert browser_errors.unexpected == []


def _session_cookie(server: Server, session: str) -> dict[str, str]:
    return {"name": "sessionid", "value": session, "url": f"http://{server.address}"}
