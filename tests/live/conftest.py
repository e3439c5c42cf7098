"""A hub with sockets that only record what they receive, and a backend without a database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from chatflow.live.encoding import Encoding
from chatflow.live.hub import Hub
from chatflow.live.publishing import reset_circuit_breaker
from chatflow.live.topics import Socket
from tests.live.layers import use_memory


@dataclass(eq=False)
class FakeSocket:
    """Records its frames and the control messages that were applied to it."""

    user_id: str = "alice"
    login_id: str = "alice's phone"
    encoding: Encoding = Encoding.JSON
    frames: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    close_codes: list[int] = field(default_factory=list)
    catch_ups: int = 0
    rechecks: int = 0

    def enqueue(self, frame: str) -> None:
        self.frames.append(frame)

    def join(self, conversation_id: str) -> None:
        self.joined.append(conversation_id)

    def close(self, code: int) -> None:
        self.close_codes.append(code)

    def catch_up(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._catch_up())

    def recheck_watched(self) -> None:
        self.rechecks += 1

    async def _catch_up(self) -> None:
        self.catch_ups += 1


@dataclass
class FakeBackend:
    """Allows every user every topic, unless the test says otherwise."""

    former_members: set[str] = field(default_factory=set)
    since_seqs: dict[str, int] = field(default_factory=dict)  # of users who do not see everything
    refreshed: list[str] = field(default_factory=list)
    rechecked: list[Socket] = field(default_factory=list)

    async def subscribers_allowed(self, topic: str, user_ids: set[str]) -> dict[str, int]:
        return {each: self.since_seqs.get(each, 0) for each in user_ids - self.former_members}

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        self.refreshed.append(conversation_id)

    async def recheck(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        self.rechecked += sockets

    async def run(self, hub: Hub) -> None: ...


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def _quick(settings, monkeypatch) -> Iterator[None]:
    """Shorten the pauses. Timeouts are long instead, so that no test fails on a slow machine."""
    use_memory(settings)
    monkeypatch.setattr("chatflow.live.topics.GAP_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.live.topics.RESYNC_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.live.hub.HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.live.hub.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("chatflow.live.publishing.PUBLISH_SECONDS", 30)
    set_layer_timeouts(monkeypatch, 30)
    yield
    reset_circuit_breaker()


def set_layer_timeouts(monkeypatch, seconds: float) -> None:
    """Set how long a layer may stay silent until the hub regards it as disconnected.

    Tests that interrupt the layer make it short before they open the hub, because operations keep
    the timeout they started with. They make it long again before the layer is back: otherwise a
    slow answer would be a second interruption.
    """
    monkeypatch.setattr("chatflow.live.hub.LAYER_SECONDS", seconds)
    monkeypatch.setattr("chatflow.live.hub.HEARTBEAT_TIMEOUT_SECONDS", seconds)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
async def open_hub(backend) -> AsyncIterator[Callable[[], Hub]]:
    """open_hub() returns a hub on the layer that the test has chosen, or on one that works."""
    hubs: list[Hub] = []

    def start() -> Hub:
        hubs.append(Hub(backend))
        hubs[-1].start()
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.stop()


@pytest.fixture
async def hub(open_hub) -> Hub:
    return open_hub()
