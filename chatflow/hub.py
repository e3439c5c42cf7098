"""This process's sockets by topic, behind one channel of the channel layer."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Protocol

from chatflow import metrics
from chatflow.places import WaitingRoom
from chatflow.realtime import (
    Event,
    Socket,
    channel_layer,
    event_of,
    message_of,
    presence_of,
    publish_again,
)
from chatflow.tasks import Tasks
from chatflow.topics import Topic, catch_up

logger = logging.getLogger(__name__)

LAYER_SECONDS = 3  # how long the layer may take for anything
RETRY_SECONDS = 1
BEAT_SECONDS = 5
CHECK_SECONDS = 30
CHECKED_AT_ONCE = 100
MOST_ARRIVING = 50
ARRIVING_SECONDS = 10  # less than a server gives a handshake before it drops it unanswered


class Keeper(Protocol):
    """Knows the database, which is the truth; the hub asks it so as not to be wrong for long."""

    async def hearers(self, topic: str, user_ids: set[str]) -> set[str]:
        """Who of these people may hear the topic."""

    async def refresh(self, conversation_id: str, sockets: Sequence[Socket]) -> None:
        """Shows them the conversation anew, as each member sees it."""

    async def accompany(self, hub: Hub) -> None:
        """Runs beside the hub for as long as it lives."""

    async def check(self, hub: Hub, sockets: Sequence[Socket]) -> None:
        """Does again what events do at once, in case one got lost."""


class Hub:
    """Who hears what changes here at once; the layer learns of it afterwards.

    So nobody waits in order to leave, and whoever leaves and whoever joins cannot get in each
    other's way: the layer is told, one name after the other, what is wanted by then.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self._topics: dict[str, Topic] = {}
        self._names: dict[Socket, set[str]] = {}
        self._layer = channel_layer()
        self._channel = ""
        self._untold: set[str] = set()  # names of which the layer may think otherwise
        self._telling = asyncio.Lock()
        self._pulse = Event(f"hub.{uuid.uuid4().hex}")
        self._felt = asyncio.Event()
        self.is_lost = False
        self.arrivals = WaitingRoom(MOST_ARRIVING, patience_seconds=ARRIVING_SECONDS)
        self._tasks = Tasks()
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        metrics.sockets_open.set_function(lambda: len(self._names))
        self._tasks.start(self._keep_open())
        self._tasks.start(self._keep_right())
        self._tasks.start(self.keeper.accompany(self))

    # --- sockets ---------------------------------------------------------------------------------

    @property
    def sockets(self) -> list[Socket]:
        return list(self._names)

    def topics_of(self, socket: Socket) -> set[str]:
        return set(self._names.get(socket, ()))

    def looked_at(self) -> set[str]:
        """Ids of the people whose presence somebody here hears."""
        return {user_id for name in self._topics if (user_id := presence_of(name))}

    def version(self, name: str) -> int:
        """Of the event that the sockets of this topic were sent last."""
        return self._topics[name].version

    def compare(self, name: str, version: int, *, stored: int) -> None:
        """Says what is stored, read while the topic was at this version."""
        if topic := self._topics.get(name):
            topic.compare(version, stored=stored)

    async def join(self, socket: Socket, topics: Mapping[str, int]) -> None:
        """Returns once the socket cannot miss an event of these topics any more.

        `topics` says for each up to which version the socket knows it, or will be told.
        """
        for name, version in topics.items():
            if name not in self._topics:
                self._topics[name] = Topic(name, self, version=version)
                self._untold.add(name)
            self._topics[name].audience.add(socket, knows=version)
            self._names.setdefault(socket, set()).add(name)
        if not self.is_lost:
            try:
                await self._tell_layer()
            except Exception as error:
                self._lose(error)

    def leave(self, socket: Socket, *names: str) -> None:
        """Forgets the socket in these topics, or everywhere."""
        joined = self._names.get(socket, set())
        for name in joined & set(names) if names else set(joined):
            joined.discard(name)
            topic = self._topics[name]
            topic.audience.discard(socket)
            if not topic.audience:
                topic.close()
                del self._topics[name]
                self._untold.add(name)
        if not joined:
            self._names.pop(socket, None)

    def deliver(self, event: Event) -> None:
        if event.topic == self._pulse.topic:
            self._felt.set()
        elif topic := self._topics.get(event.topic):
            topic.accept(event)

    # --- the layer -------------------------------------------------------------------------------

    async def _tell_layer(self) -> None:
        async with self._telling:
            if not self._channel:
                await self._open()
            while self._untold:
                await self._tell_of(self._untold.pop())

    async def _open(self) -> None:
        async with asyncio.timeout(LAYER_SECONDS):
            self._channel = await self._layer.new_channel()
        self._untold |= {self._pulse.topic, *self._topics}
        self._listener = self._tasks.start(self._listen(self._channel))

    async def _tell_of(self, name: str) -> None:
        if presence_of(name):
            return  # each process tells its own sockets
        is_wanted = name in self._topics or name == self._pulse.topic
        tell = self._layer.group_add if is_wanted else self._layer.group_discard
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await tell(name, self._channel)
        except BaseException:
            self._untold.add(name)
            raise

    async def _listen(self, channel: str) -> None:
        while True:
            try:
                message = await self._layer.receive(channel)
            except Exception as error:
                self._lose(error)
                return
            try:
                self.deliver(event_of(message))
            except Exception:
                logger.exception("an event could not be delivered")

    # The layer does not say when it lost its server, or found it again. A pulse that goes all the
    # way round does: what was published while it was missing, sockets have to ask for.

    async def _keep_open(self) -> None:
        while True:
            try:
                if self.is_lost:
                    await self._start_over()
                await self._tell_layer()
                await self._feel_pulse()
                publish_again()
            except Exception as error:
                self._lose(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if self.is_lost:
                self.is_lost = False
                logger.warning("live delivery is back")
                self._tasks.start(catch_up(self.sockets))
            await asyncio.sleep(BEAT_SECONDS)

    def _lose(self, error: Exception) -> None:
        if not self.is_lost:
            metrics.interruptions.inc()
            logger.warning("live delivery is interrupted (%s)", type(error).__name__)
        self.is_lost = True

    async def _start_over(self) -> None:
        async with self._telling, asyncio.timeout(LAYER_SECONDS):
            if self._listener:
                self._listener.cancel()
            self._channel = ""
            await self._layer.flush()

    async def _feel_pulse(self) -> None:
        self._felt.clear()
        with metrics.layer_seconds.time():
            async with asyncio.timeout(BEAT_SECONDS):
                await self._layer.group_send(self._pulse.topic, message_of(self._pulse))
                await self._felt.wait()

    async def _keep_right(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            sockets = self.sockets
            for start in range(0, len(sockets), CHECKED_AT_ONCE):
                try:
                    await self.keeper.check(self, sockets[start : start + CHECKED_AT_ONCE])
                except Exception:
                    logger.exception("the sockets' rights could not be checked")


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
_keeper: Keeper


def keep_with(keeper: Keeper) -> None:
    """Said once, where the application is put together."""
    global _keeper
    _keeper = keeper


def hub() -> Hub:
    """The hub of the running event loop: one in a server, one a test."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for closed in [each for each in _hubs if each.is_closed()]:
            del _hubs[closed]
        _hubs[loop] = Hub(_keeper)
        Context().run(_hubs[loop].start)  # not in the name of the socket that came first
    return _hubs[loop]
