"""A user who sends HTTP requests and repeats them when the contract says so."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Self

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.resilience.servers import TIMEOUT_SECONDS, Server

PASSWORD = "correct horse battery"
TRY_AGAIN = {429, 503}
GOOD = {200, 201, 204}

Json = dict[str, Any]


class NotAnswered(Exception):
    """The server is unavailable or overloaded; the request should be repeated."""

    def __init__(self, why: object, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds or random.uniform(0.1, 0.5)


class Person:
    """A user who repeats each request until the first of their servers answers.

    If that server is unavailable, the next one becomes the first.
    """

    def __init__(self, name: str, servers: list[Server]) -> None:
        self.name = name
        self.servers = list(servers)
        self.token = ""
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()  # of requests without an answer
        self.longest_seconds = 0.0
        unlimited = httpx2.Limits(max_connections=None)
        self.http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, limits=unlimited)

    @property
    def server(self) -> Server:
        return self.servers[0]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def move_on(self, server: Server) -> None:
        if server is self.server:
            self.servers = [*self.servers[1:], server]

    async def try_once(self, method: str, path: str, body: Json | None = None) -> httpx2.Response:
        server, start = self.server, time.monotonic()
        try:
            answer = await self.http.request(
                method, f"http://{server.address}{path}", json=body, headers=self.headers
            )
        except httpx2.TransportError as error:
            self.failures[type(error).__name__] += 1
            self.move_on(server)
            raise NotAnswered(type(error).__name__) from None
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - start)
        self.statuses[answer.status_code] += 1
        if answer.status_code in TRY_AGAIN:
            raise NotAnswered(answer.status_code, int(answer.headers["Retry-After"]))
        assert answer.status_code in GOOD, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    async def ask(self, method: str, path: str, body: Json | None = None) -> Any:
        async def once() -> Any:
            answer = await self.try_once(method, path, body)
            return answer.json() if answer.content else None

        return await retry(once)

    async def sign_up(self) -> Self:
        account = {"username": self.name, "email": f"{self.name}@example.org", "password": PASSWORD}
        self.token = (await self.ask("POST", "/auth/register", account))["access"]
        return self

    async def log_in(self) -> None:
        credentials = {"login": self.name, "password": PASSWORD}
        self.token = (await self.ask("POST", "/auth/login", credentials))["access"]

    async def start_direct(self, other: Person) -> str:
        wanted = {"kind": "direct", "members": [other.name]}
        return (await self.ask("POST", "/conversations", wanted))["id"]

    async def start_group(self, *others: Person) -> str:
        members = [other.name for other in others]
        wanted = {"kind": "group", "title": "Garden", "members": members}
        return (await self.ask("POST", "/conversations", wanted))["id"]

    async def say(self, conversation: str, body: str) -> Json:
        message = {"id": str(uuid.uuid4()), "body": body}
        return await self.ask("POST", f"/conversations/{conversation}/messages", message)

    async def history(self, conversation: str) -> list[Json]:
        """Return all messages, requested page by page."""
        messages: list[Json] = []
        has_after = True
        while has_after:
            after = messages[-1]["seq"] if messages else 0
            path = f"/conversations/{conversation}/messages?after={after}&limit=100"
            page = await self.ask("GET", path)
            messages += page["results"]
            has_after = page["has_after"]
        return messages


async def connected(person: Person, **options: Any) -> ClientConnection:
    """Open a socket on the user's server; raise NotAnswered if that fails for now."""
    try:
        return await connect(
            f"ws://{person.server.address}/ws",
            additional_headers=person.headers,
            close_timeout=2,
            max_size=None,
            proxy=None,
            **options,
        )
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        person.statuses[status] += 1
        assert status in TRY_AGAIN, f"the handshake was answered {status}"
        raise NotAnswered(f"handshake {status}") from None
    except (OSError, InvalidHandshake) as error:
        raise NotAnswered(type(error).__name__) from None


async def retry(once: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Repeat until there is an answer, or fail after TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return await once()
        except NotAnswered as problem:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(problem.seconds)
