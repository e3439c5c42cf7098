"""Sockets as their clients see them, without a server in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator

from accounts.models import User
from accounts.services import open_login
from accounts.tokens import token_pair
from chatflow.asgi import application
from chatflow.sockets import in_thread
from tests.conftest import PROGRAM
from tests.realtime.layers import use_memory
from tests.sockets.fragments import roots

SECONDS = 30  # how long a frame may take on a slow machine

Frame = dict[str, Any]


class Wire(WebsocketCommunicator):
    """Channels' own keeps database connections open while it waits, for tests in a transaction.
    These tests have none, and each thread would take its connection along when it ends."""

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


class Client:
    """A program at the other end of a socket."""

    def __init__(
        self,
        *,
        path: str = "/ws",
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
    ) -> None:
        given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.wire = Wire(application, path, given, subprotocols or [])
        self.heard: list[Frame] = []
        self.subprotocol: str | None = None
        self._refs = itertools.count(1)
        self._unread: list[Frame] = []

    async def open(self) -> bool:
        is_open, self.subprotocol = await self.wire.connect(timeout=SECONDS)
        return is_open

    async def leave(self) -> None:
        if not self.wire.future.done():
            await self.wire.disconnect(timeout=SECONDS)

    # --- speaking

    async def say(self, frame: object) -> None:
        await self.say_text(json.dumps(frame))

    async def say_text(self, text: str) -> None:
        await self.wire.send_input({"type": "websocket.receive", "text": text})

    async def say_bytes(self, payload: bytes) -> None:
        await self.wire.send_input({"type": "websocket.receive", "bytes": payload})

    async def ask(self, command: str, **fields: object) -> Frame:
        """What the command was answered."""
        ref = next(self._refs)
        await self.say({"type": command, "ref": ref} | fields)
        return await self.hear("ack", "error", ref=ref)

    # --- hearing

    async def hear(self, *types: str, **fields: object) -> Frame:
        """The next frame of these types with these fields."""
        while True:
            frame = await self.next()
            if frame["type"] in types and fields.items() <= frame.items():
                return frame

    async def next(self) -> Frame:
        while not self._unread:
            self._unread = self.parsed(await self.wire.receive_from(timeout=SECONDS))
        self.heard.append(self._unread.pop(0))
        return self.heard[-1]

    async def everything(self) -> list[Frame]:
        """All that was heard since the last time; what was queued comes before a ping's answer."""
        await self.ask("ping")
        heard, self.heard = self.heard[:-1], []
        return heard

    async def closed(self) -> int:
        """The close code, when it comes."""
        while (message := await self.wire.receive_output(SECONDS))["type"] == "websocket.send":
            self.heard += self.parsed(message["text"])
        return message["code"]

    def parsed(self, text: str) -> list[Frame]:
        return [json.loads(text)]


class BatchClient(Client):
    def parsed(self, text: str) -> list[Frame]:
        return json.loads(text)


class Page(Client):
    """The page's script. Frames are the roots of fragments, by name and data attributes."""

    async def ask(self, command: str, **fields: object) -> Frame:
        ref = str(next(self._refs))
        await self.say({"type": command, "ref": ref} | fields)
        return await self.hear("live-ack", "live-error", ref=ref)

    def parsed(self, text: str) -> list[Frame]:
        return roots(text)


@pytest.fixture(autouse=True)
def _memory(settings, monkeypatch) -> None:
    use_memory(settings, monkeypatch)
    monkeypatch.setattr("chatflow.hub.LAYER_SECONDS", SECONDS)
    monkeypatch.setattr("chatflow.hub.CHECK_SECONDS", 3600)  # tests that want a check ask for it


@pytest.fixture
def token() -> Callable[[User], str]:
    """token(alice) is an access token of a new login of hers."""
    return lambda user: token_pair(open_login(user=user, device=PROGRAM)).access


@pytest.fixture
async def knock() -> AsyncIterator[Callable[..., Client]]:
    """knock(headers=…) is a client that has not come in yet."""
    clients: list[Client] = []

    def knock(kind: type[Client] = Client, **how: Any) -> Client:
        clients.append(kind(**how))
        return clients[-1]

    yield knock
    for client in clients:
        await client.leave()


@pytest.fixture
def connect(knock, token) -> Callable[..., Awaitable[Client]]:
    """await connect(alice) is a program of hers that has been told `ready`."""

    async def connect(user: User, kind: type[Client] = Client) -> Client:
        name = "chatflow.v1.batch" if kind is BatchClient else "chatflow.v1"
        headers = {"authorization": f"Bearer {await in_thread(token, user)}"}
        client = knock(kind, headers=headers, subprotocols=[name])
        assert await client.open()
        await client.hear("ready")
        client.heard.clear()
        return client

    return connect


@pytest.fixture
def cookie(browser) -> Callable[[User], str]:
    """cookie(alice) is the Cookie header of a browser of hers."""
    return lambda user: f"sessionid={browser(user).cookies['sessionid'].value}"


@pytest.fixture
def open_page(knock, cookie) -> Callable[..., Awaitable[Page]]:
    """await open_page(alice) is her page, ready."""

    async def open_page(user: User) -> Page:
        page = knock(Page, path="/ws/page", headers=same_origin(await in_thread(cookie, user)))
        assert await page.open()
        await page.hear("live-ready")
        page.heard.clear()
        return page

    return open_page


async def refusal(client: Client) -> tuple[int, dict[bytes, bytes]]:
    """How a server that can say it over HTTP answers the handshake."""
    client.wire.scope["extensions"] = {"websocket.http.response": {}}
    await client.wire.send_input({"type": "websocket.connect"})
    start = await client.wire.receive_output(SECONDS)
    assert start["type"] == "websocket.http.response.start"
    return start["status"], dict(start["headers"])


def same_origin(cookie: str) -> dict[str, str]:
    return {"cookie": cookie, "origin": "http://localhost:8000", "host": "localhost:8000"}
