"""One topic in one process: the order of its events, who hears it, and the frames they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from chatflow import metrics
from chatflow.realtime import Event, Face, Socket, conversation_of, presence_topic
from chatflow.tasks import Tasks

if TYPE_CHECKING:
    from chatflow.hub import Hub

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.010
HOLE_SECONDS = 1  # how long a later version waits for an earlier one before the hole is shown
SETTLE_SECONDS = 5  # by then whatever was committed has been published, or is lost
REFRESH_SECONDS = 0.05  # several changes of one act are shown once
RETRY_SECONDS = 1
MOST_EARLY = 1000
CATCH_UPS_AT_ONCE = 10


class Topic:
    """Obeys the orders in the events and delivers their news, each to whom it concerns."""

    def __init__(self, name: str, hub: Hub, *, version: int) -> None:
        self.name = name
        self.audience = Audience()
        self._hub = hub
        self._order = Order(version)
        self._tasks = Tasks()
        self._passes_holes = False
        self._refreshes = False

    @property
    def version(self) -> int:
        return self._order.version

    def close(self) -> None:
        self._tasks.end()

    def accept(self, event: Event) -> None:
        if event.leaves:  # however late or early: what comes meanwhile is not theirs any more
            self._dismiss(event.leaves, before=event.version)
        for due in self._order.accept(event):
            self._deliver(due)
        if self._order.has_hole and not self._passes_holes:
            self._passes_holes = True
            self._tasks.start(self._pass_holes())

    def _deliver(self, event: Event) -> None:
        self.audience.deliver(event)
        if event.refreshes:
            self._show_anew()
        if event.unwatches:
            for socket in self.audience:
                self._hub.leave(socket, presence_topic(event.unwatches))
        if event.catches_up:
            self._tasks.start(catch_up(list(self.audience)))
        if event.joins or event.ends:
            for socket in self.audience:
                _obey(event, socket)

    def _dismiss(self, user_ids: Collection[str], *, before: int) -> None:
        self.audience.flush()
        for socket in self.audience.of_users(user_ids, before=before):
            self._hub.leave(socket, self.name)

    def _show_anew(self) -> None:
        if not self._refreshes:
            self._refreshes = True
            self._tasks.start(self._refresh())

    async def _refresh(self) -> None:
        await asyncio.sleep(REFRESH_SECONDS)
        self._refreshes = False
        try:
            await self._hub.keeper.refresh(conversation_of(self.name), list(self.audience))
        except Exception as error:  # the database is away; no version would be missing afterwards
            logger.warning("%s is not shown anew yet (%s)", self.name, type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            self._show_anew()

    # --- what got lost ---------------------------------------------------------------------------

    async def _pass_holes(self) -> None:
        """Shows a hole once it is old, to those who may see what follows: perhaps the event that is
        missing told somebody to leave."""
        try:
            while self._order.has_hole:
                version = self.version
                await asyncio.sleep(HOLE_SECONDS)
                if self.version == version:
                    await self._dismiss_strangers()
                if self.version == version:
                    metrics.holes.inc()
                    for event in self._order.pass_hole():
                        self._deliver(event)
                    self._show_anew()  # what is missing may have been a new title
        finally:
            self._passes_holes = False

    async def _dismiss_strangers(self) -> None:
        user_ids = {socket.user_id for socket in self.audience}
        hearers = await self._hub.keeper.hearers(self.name, user_ids)
        self._dismiss(user_ids - hearers, before=0)

    def compare(self, version: int, *, stored: int) -> None:
        """Unless we leave this version soon for the one that was stored, events were lost.

        They may have been the last ones, which leave no hole. Or the database came back from a
        backup, and counts again from where it was.
        """
        if version != stored:
            self._tasks.start(self._settle(version, stored))

    async def _settle(self, version: int, stored: int) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        if self.version == version:
            logger.info("%s is at version %d, not %d", self.name, stored, version)
            self._order.restart(stored)
            self.audience.forget_versions()
            await catch_up(list(self.audience))
            self._show_anew()


def _obey(event: Event, socket: Socket) -> None:
    if event.joins:
        socket.join(event.joins)
    if event.ends and event.login in ("", socket.login_id) and event.spares != socket.login_id:
        socket.end(event.ends)


async def catch_up(sockets: Sequence[Socket]) -> None:
    """Tells them anew where everything stands, a few at a time because each asks the database."""
    for start in range(0, len(sockets), CATCH_UPS_AT_ONCE):
        await asyncio.wait([each.catch_up() for each in sockets[start : start + CATCH_UPS_AT_ONCE]])


class Order:
    """Puts events into version order: processes publish after their commits, not in their order."""

    def __init__(self, version: int) -> None:
        self.version = version  # of the event that was given out last
        self._early: dict[int, Event] = {}

    @property
    def has_hole(self) -> bool:
        return bool(self._early)

    def accept(self, event: Event) -> list[Event]:
        """The events whose turn it is; none for one that came before, or whose hole was shown."""
        if not event.version:
            return [event]
        is_next = event.version == self.version + 1
        if is_next or (event.version > self.version and len(self._early) < MOST_EARLY):
            self._early[event.version] = event
        return self._due()

    def pass_hole(self) -> list[Event]:
        """The events after the hole: whoever gets them sees that a version is missing."""
        if self._early:
            self.version = min(self._early) - 1
        return self._due()

    def restart(self, version: int) -> None:
        self.version = version
        self._early.clear()

    def _due(self) -> list[Event]:
        due = []
        while event := self._early.pop(self.version + 1, None):
            due.append(event)
            self.version = event.version
        return due


class Audience:
    """The sockets of a topic by face, each with the version up to which it knows everything."""

    def __init__(self) -> None:
        self._sockets: dict[Face, dict[Socket, int]] = {face: {} for face in Face}
        self._newest_known = 0
        self._gathered: list[Event] = []

    def __bool__(self) -> bool:
        return any(self._sockets.values())

    def __iter__(self) -> Iterator[Socket]:
        for sockets in self._sockets.values():
            yield from tuple(sockets)  # a copy: whoever obeys may leave

    def add(self, socket: Socket, *, knows: int) -> None:
        self.flush()  # what was gathered is older
        self._sockets[socket.face][socket] = knows
        self._newest_known = max(self._newest_known, knows)

    def discard(self, socket: Socket) -> None:
        self._sockets[socket.face].pop(socket, None)

    def of_users(self, user_ids: Collection[str], *, before: int) -> list[Socket]:
        """Theirs, but for those that know this version, having come back since; 0: all of them."""
        return [
            socket
            for sockets in self._sockets.values()
            for socket, knows in sockets.items()
            if socket.user_id in user_ids and (knows < before or not before)
        ]

    def forget_versions(self) -> None:
        self._newest_known = 0
        for sockets in self._sockets.values():
            sockets.update(dict.fromkeys(sockets, 0))

    def deliver(self, event: Event) -> None:
        """At once, or within 10 ms to faces that take several events a frame."""
        if 0 < event.version <= self._newest_known:
            self._deliver_to_unknowing(event)
            return
        _offer(event.json, self._sockets[Face.JSON])
        if self._sockets[Face.JSON_BATCH] or self._sockets[Face.HTML]:
            self._gathered.append(event)
            if len(self._gathered) == 1:
                asyncio.get_running_loop().call_later(COALESCE_SECONDS, self.flush)

    def _deliver_to_unknowing(self, event: Event) -> None:
        self.flush()
        for face, sockets in self._sockets.items():
            unknowing = [socket for socket, knows in sockets.items() if knows < event.version]
            _offer(_frame(face, [event]), unknowing)

    def flush(self) -> None:
        events, self._gathered = self._gathered, []
        for face in (Face.JSON_BATCH, Face.HTML):
            _offer(_frame(face, events), self._sockets[face])


def _offer(frame: str, sockets: Collection[Socket]) -> None:
    if frame:
        metrics.deliveries.inc(len(sockets))
        for socket in tuple(sockets):  # a copy: whoever does not read leaves
            socket.offer(frame)


def _frame(face: Face, events: list[Event]) -> str:
    if face == Face.HTML:
        return "".join(event.html for event in events)
    texts = [event.json for event in events if event.json]
    return json_batch(texts) if face == Face.JSON_BATCH else "".join(texts)


def json_batch(texts: Iterable[str]) -> str:
    joined = ",".join(texts)
    return f"[{joined}]" if joined else ""
