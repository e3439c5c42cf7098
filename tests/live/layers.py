"""Channel layers for tests: one that works, and others that fail as real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from channels.layers import channel_layers

from chatflow.live import publishing
from chatflow.live.publishing import MemoryLayer

Message = dict[str, Any]
MEMORY = {"capacity": 10_000}


def use_memory(settings) -> None:
    """Use an in-memory layer of the test's own, whatever the environment names."""
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "chatflow.live.publishing.MemoryLayer", "CONFIG": MEMORY}
    }
    publishing.reset_circuit_breaker()


class Layer(MemoryLayer):
    """Records its calls. The other layers build on it."""

    def __init__(self) -> None:
        super().__init__(**MEMORY)
        self.calls: list[tuple[str, str]] = []
        channel_layers.set("default", self)

    def count(self, call: str, group: str) -> int:
        return self.calls.count((call, group))

    async def group_add(self, group: str, channel: str) -> None:
        self.calls.append(("add", group))
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.calls.append(("discard", group))
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        self.calls.append(("send", group))
        await super().group_send(group, message)


class SlowToAdd(Layer):
    """Runs a function of the test before it adds the next group of a kind."""

    def __init__(self) -> None:
        super().__init__()
        self._kind, self._first = "", None

    def before_next(self, kind: str, first: Callable[[], Awaitable[object]]) -> None:
        self._kind, self._first = kind, first

    async def group_add(self, group: str, channel: str) -> None:
        if self._first and group.startswith(self._kind):
            first, self._first = self._first, None
            await first()
        await super().group_add(group, channel)


class Breakable(Layer):
    """Freezes or fails when the test says so, and works again after `mend`."""

    def __init__(self) -> None:
        super().__init__()
        self._thawed = asyncio.Event()
        self._error: Exception | None = None
        self.mend()

    def freeze(self) -> None:
        self._thawed.clear()

    def fail(self) -> None:
        self._error = ConnectionError("the server is away")

    def lose_everything(self) -> None:
        """Forget all subscriptions, as a server does that restarts."""
        self.groups.clear()

    def mend(self) -> None:
        self._thawed.set()
        self._error = None

    async def _work(self) -> None:
        await self._thawed.wait()
        if self._error:
            raise self._error

    async def new_channel(self, prefix: str = "specific.") -> str:
        await self._work()
        return await super().new_channel(prefix)

    async def group_add(self, group: str, channel: str) -> None:
        await self._work()
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._work()
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        self.calls.append(("try", group))
        await self._work()
        await super().group_send(group, message)


class Forgetful(Layer):
    """Loses the messages that the test chooses."""

    def __init__(self, loses: Callable[[Message], bool]) -> None:
        super().__init__()
        self.loses = loses

    async def group_send(self, group: str, message: Message) -> None:
        if not self.loses(message):
            await super().group_send(group, message)


class Careless(Layer):
    """Drops, repeats and delays the events of conversations at random."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._late: set[asyncio.Task[None]] = set()

    async def group_send(self, group: str, message: Message) -> None:
        if not group.startswith("conversation."):
            await super().group_send(group, message)
            return
        for _ in range(self._random.choice([0, 1, 1, 1, 2])):
            task = asyncio.create_task(self._send_late(group, message))
            self._late.add(task)

    async def _send_late(self, group: str, message: Message) -> None:
        await asyncio.sleep(self._random.random() / 20)
        await super().group_send(group, message)

    async def settle(self) -> None:
        await asyncio.gather(*self._late)
