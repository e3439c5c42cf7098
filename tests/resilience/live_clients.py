"""Live clients as the contract describes them: they apply events in order and request gaps."""

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

from tests.resilience.people import Json, NotAnswered, Person, connected


class LiveClient:
    """A client that stores messages by id, reconnects, and requests what it missed.

    It is connected inside `async with`.
    """

    def __init__(self, person: Person, *, subprotocol: str = "chatflow.v1") -> None:
        self.person = person
        self.subprotocol = Subprotocol(subprotocol)
        self.messages: dict[str, Json] = {}
        self.versions: Counter[str] = Counter()
        self.connections = 0
        self.readies = 0
        self.gaps = 0
        self.close_codes: list[int] = []

    async def __aenter__(self) -> Self:
        readies = self.readies
        self._task = asyncio.create_task(self._run())
        while self.readies == readies:
            await self._wait()
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def has(self, *messages: Json) -> bool:
        assert not self._task.done(), self._task.exception()
        return all(message["id"] in self.messages for message in messages)

    def has_body(self, body: str) -> bool:
        return any(message["body"] == body for message in self.messages.values())

    def bodies(self, conversation: str) -> list[str]:
        kept = [each for each in self.messages.values() if each["conversation"] == conversation]
        return [message["body"] for message in sorted(kept, key=lambda each: each["seq"])]

    async def _wait(self) -> None:
        if self._task.done():
            await self._task
        await asyncio.sleep(0.02)

    async def _run(self) -> None:
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
            assert head["version"] >= self.versions[head["id"]], "the server lost a version"
        await self._take(ready)
        async for text in socket:
            for event in events_of(text):
                await self._take(event)

    async def _take(self, frame: Json) -> None:
        if frame["type"] == "ready":
            for head in frame["conversations"]:
                await self._catch_up(head["id"], head["version"])
            self.readies += 1
        elif frame["type"] in ("message.created", "message.updated", "version"):
            await self._apply(frame)

    async def _apply(self, event: Json) -> None:
        conversation, version = event["conversation"], event["version"]
        if version == self.versions[conversation] + 1:
            if "message" in event:
                self._keep(event["message"])
            self.versions[conversation] = version
        elif version > self.versions[conversation]:
            self.gaps += 1
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
