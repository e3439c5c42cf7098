"""Clients of the sockets, which call the ASGI application without a server."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator

from accounts.auth.tokens import token_pair
from accounts.models import User
from accounts.services import open_login
from chatflow.asgi import application
from chatflow.live.sockets import in_thread
from tests.conftest import PROGRAM
from tests.live.layers import use_memory
from tests.sockets.fragments import roots

SECONDS = 30  # how long a frame may take on a slow machine

Frame = dict[str, Any]


class Communicator(WebsocketCommunicator):
    """Does not keep database connections open while it waits, as Channels' communicator does for
    tests that run in a transaction. These tests do not, and would leak the connections of threads.
    """

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


class Reader:
    """Runs the application and blocks its `send` while the client is paused."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._reads = asyncio.Event()
        self._reads.set()
        self.is_waited_for = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_and_wait(message: Any) -> None:
            await send(message)
            self.is_waited_for = not self._reads.is_set()
            await self._reads.wait()

        await self._app(scope, receive, send_and_wait)

    def pause(self) -> None:
        self._reads.clear()

    def resume(self) -> None:
        self._reads.set()


class Client:
    """A program that is connected to a socket."""

    ready: Frame

    def __init__(
        self,
        *,
        path: str = "/ws",
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
    ) -> None:
        given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.reader = Reader(application)
        self.communicator = Communicator(self.reader, path, given, subprotocols or [])
        self.received: list[Frame] = []
        self.subprotocol: str | None = None
        self._refs = itertools.count(1)
        self._unread: list[Frame] = []

    async def open(self) -> bool:
        is_open, self.subprotocol = await self.communicator.connect(timeout=SECONDS)
        return is_open

    async def disconnect(self) -> None:
        if not self.communicator.future.done():
            await self.communicator.disconnect(timeout=SECONDS)

    # --- sending

    async def send(self, frame: object) -> None:
        await self.send_text(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def send_bytes(self, payload: bytes) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "bytes": payload})

    async def request(self, command: str, **fields: object) -> Frame:
        """Send a command and return its answer."""
        ref = next(self._refs)
        await self.send({"type": command, "ref": ref} | fields)
        return await self.receive("ack", "error", ref=ref)

    # --- receiving

    async def receive(self, *types: str, **fields: object) -> Frame:
        """Return the next frame that has one of these types and these fields; skip others."""
        while True:
            frame = await self.next()
            if frame["type"] in types and fields.items() <= frame.items():
                return frame

    async def next(self) -> Frame:
        while not self._unread:
            self._unread = self.parsed(await self.communicator.receive_from(timeout=SECONDS))
        self.received.append(self._unread.pop(0))
        return self.received[-1]

    async def receive_all(self) -> list[Frame]:
        """Return the frames since the last call. A ping's answer follows everything queued."""
        await self.request("ping")
        received, self.received = self.received[:-1], []
        return received

    async def close_code(self) -> int:
        """Wait until the socket closes and return its code."""
        while (message := await self.communicator.receive_output(SECONDS))[
            "type"
        ] == "websocket.send":
            self.received += self.parsed(message["text"])
        return message["code"]

    def parsed(self, text: str) -> list[Frame]:
        return [json.loads(text)]


class BatchClient(Client):
    def parsed(self, text: str) -> list[Frame]:
        return json.loads(text)


class Page(Client):
    """A page. Its frames are the root elements of the fragments, as returned by `roots`."""

    async def request(self, command: str, **fields: object) -> Frame:
        ref = str(next(self._refs))
        await self.send({"type": command, "ref": ref} | fields)
        return await self.receive("live-ack", "live-error", ref=ref)

    def parsed(self, text: str) -> list[Frame]:
        return roots(text)


@pytest.fixture(autouse=True)
def _memory(settings, monkeypatch) -> None:
    use_memory(settings)
    monkeypatch.setattr("chatflow.live.hub.LAYER_SECONDS", SECONDS)
    monkeypatch.setattr("chatflow.live.hub.RECHECK_SECONDS", 3600)  # tests call recheck themselves


@pytest.fixture
def token() -> Callable[[User], str]:
    """Return a function: token(user) opens a login and returns its access token."""
    return lambda user: token_pair(open_login(user=user, device=PROGRAM)).access


@pytest.fixture
async def new_client() -> AsyncIterator[Callable[..., Client]]:
    """Return a function: new_client(headers=…) returns a client that is not connected yet."""
    clients: list[Client] = []

    def new_client(kind: type[Client] = Client, **kwargs: Any) -> Client:
        clients.append(kind(**kwargs))
        return clients[-1]

    yield new_client
    for client in clients:
        await client.disconnect()


@pytest.fixture
def connect(new_client, token) -> Callable[..., Awaitable[Client]]:
    """Return a function: connect(user) returns a program that has received `ready`."""

    async def connect(user: User, kind: type[Client] = Client) -> Client:
        name = "chatflow.v1.batch" if kind is BatchClient else "chatflow.v1"
        headers = bearer(await in_thread(token, user))
        client = new_client(kind, headers=headers, subprotocols=[name])
        assert await client.open()
        client.ready = await client.receive("ready")
        client.received.clear()
        return client

    return connect


@pytest.fixture
def cookie(browser) -> Callable[[User], str]:
    """Return a function: cookie(user) returns the Cookie header of a signed-in browser."""
    return lambda user: f"sessionid={browser(user).cookies['sessionid'].value}"


@pytest.fixture
def open_page(new_client, cookie) -> Callable[..., Awaitable[Page]]:
    """Return a function: open_page(user) returns a page that has received `live-ready`."""

    async def open_page(user: User) -> Page:
        page = new_client(Page, path="/ws/page", headers=same_origin(await in_thread(cookie, user)))
        assert await page.open()
        await page.receive("live-ready")
        page.received.clear()
        return page

    return open_page


async def refusal(client: Client) -> tuple[int, dict[bytes, bytes]]:
    """Return status and headers of a refused handshake, as servers with HTTP answers send them."""
    client.communicator.scope["extensions"] = {"websocket.http.response": {}}
    await client.communicator.send_input({"type": "websocket.connect"})
    start = await client.communicator.receive_output(SECONDS)
    assert start["type"] == "websocket.http.response.start"
    return start["status"], dict(start["headers"])


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def same_origin(cookie: str) -> dict[str, str]:
    return {"cookie": cookie, "origin": "http://localhost:8000", "host": "localhost:8000"}
