"""Users who send many messages and remember which were acknowledged."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.resilience.people import TRY_AGAIN, Json, NotAnswered, Person, connected, retry
from tests.resilience.servers import until


class Writer:
    """Sends one message after the other, each until it is acknowledged."""

    def __init__(self, person: Person, conversation: str, name: str) -> None:
        self.person, self.conversation, self.name = person, conversation, name
        self.acknowledged: dict[str, Json] = {}  # by id
        self.is_told_to_stop = False

    async def write(self, most: int | None = None) -> None:
        """Send until told to stop, or this many messages."""
        enough = len(self.acknowledged) + most if most else None
        while not self.is_told_to_stop and len(self.acknowledged) != enough:
            message = {"id": str(uuid.uuid4()), "body": f"{self.name} {len(self.acknowledged)}"}
            self.acknowledged[message["id"]] = await self.send(message)

    async def send(self, message: Json) -> Json:
        path = f"/conversations/{self.conversation}/messages"
        return await self.person.ask("POST", path, message)


class SocketWriter(Writer):
    """The same over a socket, which reconnects when it was closed."""

    socket: ClientConnection | None = None

    async def write(self, most: int | None = None) -> None:
        try:
            await super().write(most)
        finally:
            await self._close()

    async def send(self, message: Json) -> Json:
        return await retry(lambda: self._try_once(message))

    async def _try_once(self, message: Json) -> Json:
        server = self.person.server
        try:
            self.socket = self.socket or await connected(self.person)
            return await self._exchange(self.socket, message)
        except ConnectionClosed:
            await self._close()
            self.person.move_on(server)
            raise NotAnswered("cut off") from None

    async def _exchange(self, socket: ClientConnection, message: Json) -> Json:
        frame = {"type": "message.send", "ref": message["id"], "conversation": self.conversation}
        await socket.send(json.dumps(frame | message))
        while True:
            answer = json.loads(await socket.recv())
            if answer.get("ref") != message["id"]:
                continue
            self.person.statuses[answer.get("status", 200)] += 1
            if answer.get("status") in TRY_AGAIN:
                raise NotAnswered(answer["status"])
            assert answer["type"] == "ack", answer
            return answer["message"]

    async def _close(self) -> None:
        if self.socket:
            await self.socket.close()
        self.socket = None


class Writing:
    """Several writers at once, who write inside `async with` until `finish`."""

    def __init__(self, *writers: Writer) -> None:
        self.writers = writers
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def of(cls, conversation: str, *people: Person, each: int) -> Self:
        """Create `each` writers for every user, half over HTTP and half over sockets."""
        return cls(
            *(
                kind(person, conversation, f"{person.name} {kind.__name__} {number}")
                for person in people
                for kind in (Writer, SocketWriter)
                for number in range(each // 2)
            )
        )

    @property
    def acknowledged(self) -> dict[str, Json]:
        """All acknowledged messages so far, by id."""
        acknowledged = [writer.acknowledged for writer in self.writers]
        return {id_: message for each in acknowledged for id_, message in each.items()}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(writer.write()) for writer in self.writers]
        return self

    async def __aexit__(self, *problem: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def write(self, most: int) -> None:
        """Send this many messages in all, divided among the writers."""
        await asyncio.gather(*(each.write(most // len(self.writers)) for each in self.writers))

    async def acknowledge(self, messages: int) -> None:
        """Wait until this many more messages are acknowledged."""
        enough = len(self.acknowledged) + messages
        await until(lambda: self._all_running() and len(self.acknowledged) >= enough)

    async def finish(self) -> None:
        for writer in self.writers:
            writer.is_told_to_stop = True
        await asyncio.gather(*self._tasks)

    def _all_running(self) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return True


def assert_complete(history: list[Json], acknowledged: dict[str, Json]) -> None:
    """Assert that each acknowledged message is stored once, unchanged, and `seq` has no gap."""
    assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
    assert all(times == 1 for times in Counter(each["body"] for each in history).values())
    stored = {message["id"]: message for message in history}
    for id_, message in acknowledged.items():
        assert id_ in stored, f"{message['body']} was acknowledged and is missing"
        assert stored[id_]["body"] == message["body"]
        assert stored[id_]["seq"] == message["seq"]
