"""The hub among sockets that only listen, and a keeper who knows what the test tells them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from chatflow.hub import Hub
from chatflow.realtime import Face, Socket
from tests.realtime.layers import use_memory


@dataclass(eq=False)
class Ear:
    """A socket that keeps what it is told."""

    user_id: str = "alice"
    login_id: str = "alice's phone"
    face: Face = Face.JSON
    frames: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    caught_up: int = 0

    def offer(self, frame: str) -> None:
        self.frames.append(frame)

    def join(self, conversation_id: str) -> None:
        self.joined.append(conversation_id)

    def end(self, code: int) -> None:
        self.ended.append(code)

    def catch_up(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        self.caught_up += 1


@dataclass
class Keeper:
    """Knows who may hear what: everybody, unless the test has said otherwise."""

    strangers: set[str] = field(default_factory=set)
    refreshed: list[str] = field(default_factory=list)
    checked: list[Socket] = field(default_factory=list)

    async def hearers(self, topic: str, user_ids: set[str]) -> set[str]:
        return user_ids - self.strangers

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        self.refreshed.append(conversation_id)

    async def check(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        self.checked += sockets

    async def accompany(self, hub: Hub) -> None: ...


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _quick(settings, monkeypatch) -> None:
    use_memory(settings, monkeypatch)
    monkeypatch.setattr("chatflow.topics.HOLE_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.topics.SETTLE_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.hub.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.hub.RETRY_SECONDS", 0.01)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def open_hub(keeper) -> AsyncIterator[Callable[[], Hub]]:
    """open_hub() listens to the layer that the test has chosen, or to one that works."""
    hubs: list[Hub] = []

    def start() -> Hub:
        hubs.append(Hub(keeper))
        hubs[-1].start()
        return hubs[-1]

    yield start
    for hub in hubs:
        hub._tasks.end()


@pytest.fixture
async def hub(open_hub) -> Hub:
    return open_hub()
