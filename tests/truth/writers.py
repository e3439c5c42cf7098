"""People who write a lot, and remember what was acknowledged."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.truth.people import TRY_AGAIN, Json, NotAnswered, Person, connected, patiently
from tests.truth.servers import until


class Writer:
    """Somebody who says one thing after the other, each until it is acknowledged."""

    def __init__(self, person: Person, conversation: str, name: str) -> None:
        self.person, self.conversation, self.name = person, conversation, name
        self.acknowledged: dict[str, Json] = {}  # by id
        self.is_told_to_stop = False

    async def write(self, most: int | None = None) -> None:
        """Until told to stop, or that many messages more."""
        enough = len(self.acknowledged) + most if most else None
        while not self.is_told_to_stop and len(self.acknowledged) != enough:
            message = {"id": str(uuid.uuid4()), "body": f"{self.name} {len(self.acknowledged)}"}
            self.acknowledged[message["id"]] = await self.send(message)

    async def send(self, message: Json) -> Json:
        path = f"/conversations/{self.conversation}/messages"
        return await self.person.ask("POST", path, message)


class SocketWriter(Writer):
    """The same over a socket, which is opened anew whenever it was cut off."""

    socket: ClientConnection | None = None

    async def write(self, most: int | None = None) -> None:
        try:
            await super().write(most)
        finally:
            await self._hang_up()

    async def send(self, message: Json) -> Json:
        return await patiently(lambda: self._try_once(message))

    async def _try_once(self, message: Json) -> Json:
        server = self.person.server
        try:
            self.socket = self.socket or await connected(self.person)
            return await self._exchange(self.socket, message)
        except ConnectionClosed:
            await self._hang_up()
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

    async def _hang_up(self) -> None:
        if self.socket:
            await self.socket.close()
        self.socket = None


class Writing:
    """Several writers at once. `async with` it has them write until they are told to finish."""

    def __init__(self, *writers: Writer) -> None:
        self.writers = writers
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    def of(cls, conversation: str, *people: Person, each: int) -> Self:
        """So many writers of each person, half of them over HTTP and half over sockets."""
        return cls(
            *(
                kind(person, conversation, f"{person.name} {kind.__name__} {number}")
                for person in people
                for kind in (Writer, SocketWriter)
                for number in range(each // 2)
            )
        )

    @property
    def promises(self) -> dict[str, Json]:
        """What has been acknowledged until now, by id."""
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
        """So many messages in all, shared out."""
        await asyncio.gather(*(each.write(most // len(self.writers)) for each in self.writers))

    async def some_more(self, messages: int) -> None:
        """Returns once so many more are acknowledged."""
        enough = len(self.promises) + messages
        await until(lambda: self._are_well() and len(self.promises) >= enough)

    async def finish(self) -> None:
        for writer in self.writers:
            writer.is_told_to_stop = True
        await asyncio.gather(*self._tasks)

    def _are_well(self) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return True


def assert_whole(history: list[Json], promises: dict[str, Json]) -> None:
    """Every acknowledged message is there once, as it was acknowledged, and `seq` is unbroken."""
    assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
    assert all(times == 1 for times in Counter(each["body"] for each in history).values())
    stored = {message["id"]: message for message in history}
    for id_, message in promises.items():
        assert id_ in stored, f"{message['body']} was acknowledged and is gone"
        assert stored[id_]["body"] == message["body"]
        assert stored[id_]["seq"] == message["seq"]
