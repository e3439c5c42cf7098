"""The sockets of this process by topic, behind one channel of the channel layer."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Protocol

from chatflow.limits.concurrency import AsyncConcurrencyLimit
from chatflow.live.events import Event, from_message, presence_of, to_message
from chatflow.live.publishing import channel_layer, reset_circuit_breaker
from chatflow.live.tasks import Tasks
from chatflow.live.topics import Socket, Topic, catch_up
from chatflow.operations import metrics

logger = logging.getLogger(__name__)

LAYER_SECONDS = 3  # timeout of every operation of the channel layer
RETRY_SECONDS = 1
HEARTBEAT_SECONDS = 5  # between two heartbeats
HEARTBEAT_TIMEOUT_SECONDS = 5
RECHECK_SECONDS = 30
RECHECKED_AT_ONCE = 100
MAX_HANDSHAKES = 50
HANDSHAKE_SECONDS = 10  # less than the time after which servers drop a handshake


class HubBackend(Protocol):
    """What hub and topics ask of the database. `messaging.sockets.hub_backend` implements it."""

    async def run(self, hub: Hub) -> None:
        """Run background work until the hub stops."""

    async def recheck(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        """Repair what these sockets missed, in case an event was lost."""

    async def subscribers_allowed(self, topic: str, user_ids: set[str]) -> dict[str, int]:
        """Return those of these users who may read the topic, with their `since_seq`."""

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        """Send the sockets the conversation, to each as its member sees it."""


class Hub:
    """Delivers the events of the channel layer to the sockets that subscribe to their topics.

    Local subscriptions change immediately. The channel layer is updated afterwards, one topic after
    the other, to what is needed at that moment, so that unsubscribing never waits and concurrent
    changes cannot leave a topic in the wrong state. With Channels' groups instead, each socket
    would subscribe for itself: for a group with a thousand sockets, a thousand subscriptions, and a
    thousand encodings of each event.
    """

    def __init__(self, backend: HubBackend) -> None:
        self.handshakes = AsyncConcurrencyLimit(MAX_HANDSHAKES, patience_seconds=HANDSHAKE_SECONDS)
        self.is_disconnected = False
        self.backend = backend
        self._topics: dict[str, Topic] = {}
        self._names: dict[Socket, set[str]] = {}
        self._layer = channel_layer()
        self._channel = ""
        self._pending_subscriptions: set[str] = set()  # topics whose group may be out of date
        self._sync_lock = asyncio.Lock()
        self._heartbeat = Event(f"hub.{uuid.uuid4().hex}")
        self._heartbeat_received = asyncio.Event()
        self._is_heartbeat_subscribed = False
        self._tasks = Tasks()
        self._receiver: asyncio.Task[None] | None = None

    def start(self) -> None:
        metrics.sockets_open.set_function(lambda: len(self._names))
        self._tasks.start(self._stay_connected())
        self._tasks.start(self._recheck_periodically())
        self._tasks.start(self.backend.run(self))

    def stop(self) -> None:
        self._tasks.cancel()

    # --- subscriptions ---------------------------------------------------------------------------

    @property
    def sockets(self) -> list[Socket]:
        return list(self._names)

    def topics_of(self, socket: Socket) -> set[str]:
        return set(self._names.get(socket, ()))

    def is_subscribed(self, socket: Socket, topic: str) -> bool:
        return topic in self._names.get(socket, ())

    def since_seqs(self, socket: Socket) -> dict[str, int]:
        """Return the seq after which the socket's member sees each topic, 0 for everything."""
        topics = self.topics_of(socket)
        return {name: self._topics[name].subscribers.since_seq(socket) for name in topics}

    def watched_users(self) -> set[str]:
        """Return the ids of the users whose presence some socket of this process watches."""
        return {user_id for name in self._topics if (user_id := presence_of(name))}

    def version(self, topic: str) -> int:
        return self._topics[topic].version

    def compare_version(self, topic: str, version: int, *, stored: int) -> None:
        """Tell the topic its version in the database, read while the hub was at `version`."""
        if found := self._topics.get(topic):
            found.compare_version(version, stored=stored)

    async def subscribe(
        self, socket: Socket, topics: Mapping[str, int], since_seqs: Mapping[str, int] | None = None
    ) -> None:
        """Subscribe the socket. After this returns, it misses no event while the layer works.

        `topics` maps each topic to the version up to which the client knows it. `since_seqs` maps a
        topic to the seq after which the member sees it; without an entry, they see everything.
        """
        since_seqs = since_seqs or {}
        for name, version in topics.items():
            if name not in self._topics:
                self._topics[name] = Topic(name, version=version, hub=self)
                self._pending_subscriptions.add(name)
            subscribers = self._topics[name].subscribers
            subscribers.add(socket, known=version, since_seq=since_seqs.get(name, 0))
            self._names.setdefault(socket, set()).add(name)
        if not self.is_disconnected:
            try:
                await self._sync_subscriptions()
            except Exception as error:
                self._mark_disconnected(error)

    def unsubscribe(self, socket: Socket, *topics: str) -> None:
        """Unsubscribe the socket from these topics, or from all topics if none is given."""
        names = self._names.get(socket, set())
        for name in names & set(topics) if topics else set(names):
            names.discard(name)
            topic = self._topics[name]
            topic.subscribers.discard(socket)
            if not topic.subscribers:
                topic.close()
                del self._topics[name]
                self._pending_subscriptions.add(name)
        if not names:
            self._names.pop(socket, None)

    def deliver(self, event: Event) -> None:
        if event.topic == self._heartbeat.topic:
            self._heartbeat_received.set()
        elif topic := self._topics.get(event.topic):
            topic.accept(event)

    # --- the channel layer -----------------------------------------------------------------------

    async def _sync_subscriptions(self) -> None:
        async with self._sync_lock:
            if not self._channel:
                await self._open_channel()
            while self._pending_subscriptions:
                await self._sync_subscription(self._pending_subscriptions.pop())
            if not self._is_heartbeat_subscribed:
                # Last, because the layer does not wait until Redis has processed a subscription.
                # Redis processes them in order: once a heartbeat arrives, all are in force.
                await self._sync_subscription(self._heartbeat.topic)
                self._is_heartbeat_subscribed = True

    async def _open_channel(self) -> None:
        async with asyncio.timeout(LAYER_SECONDS):
            self._channel = await self._layer.new_channel()
        self._is_heartbeat_subscribed = False
        self._pending_subscriptions |= self._topics.keys()
        self._receiver = self._tasks.start(self._receive(self._channel))

    async def _sync_subscription(self, topic: str) -> None:
        if presence_of(topic):
            return  # events of presence topics are created and delivered within one process
        is_needed = topic in self._topics or topic == self._heartbeat.topic
        update_group = self._layer.group_add if is_needed else self._layer.group_discard
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await update_group(topic, self._channel)
        except BaseException:
            self._pending_subscriptions.add(topic)
            raise

    async def _receive(self, channel: str) -> None:
        while True:
            try:
                message = await self._layer.receive(channel)
            except Exception as error:
                self._mark_disconnected(error)
                return
            try:
                self.deliver(from_message(message))
            except Exception:
                logger.exception("an event could not be delivered")

    async def _stay_connected(self) -> None:
        """Send heartbeats through the layer to this hub, and let sockets catch up after a failure.

        This is needed because the layer reports neither a lost connection nor a new one.
        """
        while True:
            try:
                if self.is_disconnected:
                    await self._close_channel()
                await self._sync_subscriptions()
                await self._await_heartbeat()
                reset_circuit_breaker()
            except Exception as error:
                self._mark_disconnected(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self.is_disconnected:
                self.is_disconnected = False
                logger.warning("live delivery is back")
                self._tasks.start(catch_up(self.sockets))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _mark_disconnected(self, error: Exception) -> None:
        if not self.is_disconnected:
            metrics.interruptions.inc()
            logger.warning("live delivery is interrupted (%s)", type(error).__name__)
        self.is_disconnected = True

    async def _close_channel(self) -> None:
        async with self._sync_lock, asyncio.timeout(LAYER_SECONDS):
            if self._receiver:
                self._receiver.cancel()
            self._channel = ""
            await self._layer.flush()

    async def _await_heartbeat(self) -> None:
        self._heartbeat_received.clear()
        with metrics.layer_seconds.time():
            async with asyncio.timeout(HEARTBEAT_TIMEOUT_SECONDS):
                await self._layer.group_send(self._heartbeat.topic, to_message(self._heartbeat))
                await self._heartbeat_received.wait()

    async def _recheck_periodically(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            await self.recheck()

    async def recheck(self) -> None:
        """Repair what the sockets missed, in case an event was lost without leaving a gap."""
        sockets = self.sockets
        for start in range(0, len(sockets), RECHECKED_AT_ONCE):
            try:
                await self.backend.recheck(self, sockets[start : start + RECHECKED_AT_ONCE])
            except Exception:
                logger.exception("the sockets' permissions could not be rechecked")


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
_backend: HubBackend


def register_backend(backend: HubBackend) -> None:
    """Set the backend of all hubs. `chatflow.asgi` does it once."""
    global _backend
    _backend = backend


def hub() -> Hub:
    """Return the hub of the running event loop: a server has one, and so has each test."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for closed in [each for each in _hubs if each.is_closed()]:
            del _hubs[closed]
        _hubs[loop] = Hub(_backend)
        Context().run(_hubs[loop].start)  # not in the context of the socket that came first
    return _hubs[loop]
