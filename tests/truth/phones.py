"""Live clients that keep to the contract: they take what comes in order, and ask about holes."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.truth.people import Json, NotAnswered, Person, connected


class Phone:
    """A live client: keeps messages by id, comes back when it is cut off, asks when it has missed
    something. `async with` it to have it switched on."""

    def __init__(self, person: Person, *, subprotocol: str = "chatflow.v1") -> None:
        self.person = person
        self.subprotocol = Subprotocol(subprotocol)
        self.messages: dict[str, Json] = {}
        self.versions: Counter[str] = Counter()
        self.connections = 0
        self.readies = 0
        self.holes = 0
        self.close_codes: list[int] = []

    async def __aenter__(self) -> Self:
        readies = self.readies
        self._life = asyncio.create_task(self._live())
        while self.readies == readies:
            await self._breathe()
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._life.cancel()
        with suppress(asyncio.CancelledError):
            await self._life

    def has(self, *messages: Json) -> bool:
        assert not self._life.done(), self._life.exception()
        return all(message["id"] in self.messages for message in messages)

    def has_body(self, body: str) -> bool:
        return any(message["body"] == body for message in self.messages.values())

    def bodies(self, conversation: str) -> list[str]:
        kept = [each for each in self.messages.values() if each["conversation"] == conversation]
        return [message["body"] for message in sorted(kept, key=lambda each: each["seq"])]

    async def _breathe(self) -> None:
        if self._life.done():
            await self._life
        await asyncio.sleep(0.02)

    async def _live(self) -> None:
        while True:
            server = self.person.server
            try:
                options = {"subprotocols": [self.subprotocol]}
                async with await connected(self.person, **options) as socket:
                    await self._listen(socket)
                self.close_codes.append(socket.close_code or 0)
            except NotAnswered:
                self.person.move_on(server)
            except ConnectionClosed as closed:
                self.close_codes.append(closed.rcvd.code if closed.rcvd else 1006)
            await asyncio.sleep(random.uniform(0.1, 0.5))

    async def _listen(self, socket: ClientConnection) -> None:
        self.connections += 1
        (ready,) = events_of(await socket.recv())
        for head in ready["conversations"]:
            assert head["version"] >= self.versions[head["id"]], "what was told before is gone"
        await self._take(ready)
        async for text in socket:
            for event in events_of(text):
                await self._take(event)

    async def _take(self, frame: Json) -> None:
        if frame["type"] == "ready":
            for head in frame["conversations"]:
                await self._catch_up(head["id"], head["version"])
            self.readies += 1
        elif frame["type"] in ("message.created", "message.updated"):
            await self._hear(frame)

    async def _hear(self, event: Json) -> None:
        conversation, version = event["conversation"], event["version"]
        if version == self.versions[conversation] + 1:
            self._keep(event["message"])
            self.versions[conversation] = version
        elif version > self.versions[conversation]:
            self.holes += 1
            await self._catch_up(conversation, version)

    async def _catch_up(self, conversation: str, version: int) -> None:
        while self.versions[conversation] < version:
            since = self.versions[conversation]
            path = f"/conversations/{conversation}/changes?since={since}"
            changes = await self.person.ask("GET", path)
            assert changes["version"] > since
            for message in changes["messages"]:
                self._keep(message)
            self.versions[conversation] = changes["version"]

    def _keep(self, message: Json) -> None:
        known = self.messages.get(message["id"])
        if known is None or known["version"] < message["version"]:
            self.messages[message["id"]] = message


def events_of(text: str | bytes) -> list[Json]:
    frame = json.loads(text)
    return frame if isinstance(frame, list) else [frame]
