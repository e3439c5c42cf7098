"""One topic in one process: the order of its events, its subscribers, and their frames."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from chatflow.live.encoding import Encoding, build_frame, split_into_batches
from chatflow.live.events import (
    CatchUp,
    Close,
    Event,
    HidePresence,
    Join,
    Refresh,
    Unsubscribe,
    conversation_of,
    presence_topic,
)
from chatflow.live.tasks import Tasks
from chatflow.operations import metrics

if TYPE_CHECKING:
    from chatflow.live.hub import Hub

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.010
GAP_SECONDS = 1  # how long a later version waits for an earlier one
RESYNC_SECONDS = 5  # by then a committed event has been published, or is lost
REFRESH_SECONDS = 0.05  # several changes by one request cause one refresh
RETRY_SECONDS = 1
MAX_EARLY_EVENTS = 1000
CATCH_UPS_AT_ONCE = 10


class Socket(Protocol):
    """What hub and topics need of a consumer. No method waits for the client."""

    encoding: Encoding
    user_id: str
    login_id: str

    def enqueue(self, frame: str) -> None:
        """Send a frame."""

    def catch_up(self) -> asyncio.Task[None]:
        """Read again what the user may see, and send the client the current state."""

    def join(self, conversation_id: str) -> None:
        """Subscribe to a conversation that the user has become a member of."""

    def close(self, code: int) -> None:
        """Close the socket after sending the frames that are queued."""

    def recheck_watched(self) -> None:
        """Stop watching the users whose presence this user may no longer see."""


class Topic:
    """Orders the events of one topic, applies their control messages and delivers them."""

    def __init__(self, name: str, *, version: int, hub: Hub) -> None:
        self.name = name
        self.subscribers = Subscribers()
        self._hub = hub
        self._order = Order(version)
        self._tasks = Tasks()
        self._is_skipping_gaps = False
        self._is_refreshing = False

    @property
    def version(self) -> int:
        """The version of the last event that was delivered to this topic's sockets."""
        return self._order.version

    def close(self) -> None:
        self._tasks.cancel()

    def accept(self, event: Event) -> None:
        """Deliver the event and those that waited for it, or keep it until it is due."""
        if isinstance(event.control, Unsubscribe):
            # Before ordering, so that no event that overtook this one reaches removed members.
            self._unsubscribe_users(event.control.user_ids, before=event.version)
        for due in self._order.accept(event):
            self._deliver(due)
        if self._order.has_gap and not self._is_skipping_gaps:
            self._is_skipping_gaps = True
            self._tasks.start(self._skip_gaps())

    def _deliver(self, event: Event) -> None:
        if isinstance(event.control, HidePresence):
            self._hide_presence(event, event.control.user_id)
            return
        self.subscribers.deliver(event)
        match event.control:
            case Unsubscribe() | Refresh():
                self._schedule_refresh()
            case CatchUp():
                self._tasks.start(catch_up(list(self.subscribers)))
            case Join(conversation_id):
                for socket in self.subscribers:
                    socket.join(conversation_id)
            case Close() as close:
                for socket in self.subscribers:
                    if close.applies_to(socket.login_id):
                        socket.close(close.code)

    def _hide_presence(self, event: Event, user_id: str) -> None:
        presence = presence_topic(user_id)
        for socket in self.subscribers:
            if self._hub.is_subscribed(socket, presence):
                self._hub.unsubscribe(socket, presence)
                _enqueue([event], socket.encoding, [socket])

    def _unsubscribe_users(self, user_ids: Collection[str], *, before: int) -> None:
        """Unsubscribe these users from the topic. They and the users who watch them may have no
        common conversation left, so both recheck whose presence they may watch."""
        self.subscribers.flush()
        for socket in self.subscribers.of_users(user_ids, before=before):
            self._hub.unsubscribe(socket, self.name)
            socket.recheck_watched()
        presences = [presence_topic(user_id) for user_id in user_ids]
        for socket in self.subscribers:
            if any(self._hub.is_subscribed(socket, each) for each in presences):
                socket.recheck_watched()

    def _schedule_refresh(self) -> None:
        if not self._is_refreshing:
            self._is_refreshing = True
            self._tasks.start(self._refresh())

    async def _refresh(self) -> None:
        await asyncio.sleep(REFRESH_SECONDS)
        self._is_refreshing = False
        try:
            await self._hub.backend.refresh(conversation_of(self.name), list(self.subscribers))
        except Exception as error:  # try again, because a lost refresh leaves no gap
            logger.warning("%s is not refreshed yet (%s)", self.name, type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            self._schedule_refresh()

    # --- lost events -----------------------------------------------------------------------------

    async def _skip_gaps(self) -> None:
        """Deliver the events after a gap once the missing one is overdue. The members are looked up
        first, because the missing event may have removed some of them."""
        try:
            while self._order.has_gap:
                version = self.version
                await asyncio.sleep(GAP_SECONDS)
                if self.version == version and await self._unsubscribe_former_members():
                    self._skip_gap(version)
        finally:
            self._is_skipping_gaps = False

    async def _unsubscribe_former_members(self) -> bool:
        """Unsubscribe users who are no longer members. Return False if the database failed."""
        user_ids = {socket.user_id for socket in self.subscribers}
        try:
            allowed = await self._hub.backend.subscribers_allowed(self.name, user_ids)
        except Exception as error:
            logger.warning("%s waits for its members (%s)", self.name, type(error).__name__)
            return False
        self._unsubscribe_users(user_ids - allowed.keys(), before=0)
        self.subscribers.raise_since_seqs(allowed)
        return True

    def _skip_gap(self, version: int) -> None:
        if self.version != version:  # the missing event has arrived meanwhile
            return
        metrics.gaps.inc()
        for event in self._order.skip_gap():
            self._deliver(event)
        self._schedule_refresh()  # the missing event may have reported a new title
        for socket in self.subscribers:
            socket.recheck_watched()  # or the removal of a member whom this user watches

    def compare_version(self, version: int, *, stored: int) -> None:
        """Catch up if the topic stays at this version although the database has another one.

        Either the last events were lost, which leaves no gap, or the database was restored from a
        backup, so that versions continue from an earlier one.
        """
        if version != stored:
            self._tasks.start(self._resync_if_stuck(version, stored))

    async def _resync_if_stuck(self, version: int, stored: int) -> None:
        await asyncio.sleep(RESYNC_SECONDS)
        if self.version == version:
            logger.info("%s is at version %d, not %d", self.name, stored, version)
            self._order.restart(stored)
            self.subscribers.forget_versions()
            await catch_up(list(self.subscribers))
            self._schedule_refresh()


async def catch_up(sockets: Sequence[Socket]) -> None:
    """Have the sockets catch up, a few at a time because each of them queries the database."""
    for start in range(0, len(sockets), CATCH_UPS_AT_ONCE):
        await asyncio.wait([each.catch_up() for each in sockets[start : start + CATCH_UPS_AT_ONCE]])


class Order:
    """Returns the events of a topic in version order.

    Processes publish after their commits and independently of each other, so events can overtake
    each other. Clients detect gaps themselves, but the server orders events too, for two reasons.
    Without it, every client would answer one overtaken event with a catch-up query: a thousand
    queries at once in a group of a thousand, where waiting some milliseconds here costs nothing.
    And a removed member must receive nothing after their removal, which only a comparison of
    versions can ensure: `Topic` skips a gap only after it has asked the database who is still a
    member. Redis Streams would order events by publication, not by commit.
    """

    def __init__(self, version: int) -> None:
        self.version = version  # of the last event that was returned
        self._early: dict[int, Event] = {}

    @property
    def has_gap(self) -> bool:
        return bool(self._early)

    def accept(self, event: Event) -> list[Event]:
        """Return the events that are due now: none if this one is early or repeated, or if its gap
        has been skipped."""
        if not event.version:
            return [event]
        is_next = event.version == self.version + 1
        if is_next or (event.version > self.version and len(self._early) < MAX_EARLY_EVENTS):
            self._early[event.version] = event
        return self._due()

    def skip_gap(self) -> list[Event]:
        """Return the events after the gap. Clients see that a version is missing."""
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


class Subscribers:
    """The sockets of a topic, and what each of them may receive.

    For each socket it stores the version up to which the client already knows the topic, and the
    seq after which the member's view of the conversation begins.
    """

    def __init__(self) -> None:
        self._known: dict[Encoding, dict[Socket, int]] = {encoding: {} for encoding in Encoding}
        self._max_known = 0
        self._since_seqs: dict[Socket, int] = {}  # only of sockets that do not see everything
        self._max_since_seq = 0
        self._pending: list[Event] = []

    def __bool__(self) -> bool:
        return any(self._known.values())

    def __iter__(self) -> Iterator[Socket]:
        for sockets in self._known.values():
            yield from tuple(sockets)  # a copy, because sockets may unsubscribe during iteration

    def add(self, socket: Socket, *, known: int, since_seq: int) -> None:
        self.flush()  # what is pending is older than this subscription
        self._known[socket.encoding][socket] = known
        self._max_known = max(self._max_known, known)
        self._set_since_seq(socket, since_seq)

    def _set_since_seq(self, socket: Socket, since_seq: int) -> None:
        if since_seq:
            self._since_seqs[socket] = since_seq
            self._max_since_seq = max(self._max_since_seq, since_seq)

    def since_seq(self, socket: Socket) -> int:
        return self._since_seqs.get(socket, 0)

    def raise_since_seqs(self, since_seqs: Mapping[str, int]) -> None:
        """Let the views of these users begin later, because they may have left and come back."""
        self.flush()
        for socket in self:
            since_seq = since_seqs.get(socket.user_id, 0)
            self._set_since_seq(socket, max(self.since_seq(socket), since_seq))

    def discard(self, socket: Socket) -> None:
        self._known[socket.encoding].pop(socket, None)
        self._since_seqs.pop(socket, None)

    def of_users(self, user_ids: Collection[str], *, before: int) -> list[Socket]:
        """Return the users' sockets, except those that subscribed at this version or later. With 0,
        return all of them."""
        return [
            socket
            for sockets in self._known.values()
            for socket, known in sockets.items()
            if socket.user_id in user_ids and (known < before or not before)
        ]

    def forget_versions(self) -> None:
        self._max_known = 0
        for sockets in self._known.values():
            sockets.update(dict.fromkeys(sockets, 0))

    def deliver(self, event: Event) -> None:
        """Send the event: immediately, or within 10 ms where a frame can carry several events."""
        is_known_to_some = 0 < event.version <= self._max_known
        is_hidden_from_some = 0 < event.oldest_seq <= self._max_since_seq
        if is_known_to_some or is_hidden_from_some:
            self._deliver_variants(event)
            return
        _enqueue([event], Encoding.JSON, self._known[Encoding.JSON])
        if self._known[Encoding.JSON_BATCH] or self._known[Encoding.HTML]:
            self._pending.append(event)
            if len(self._pending) == 1:
                asyncio.get_running_loop().call_later(COALESCE_SECONDS, self.flush)

    def _deliver_variants(self, event: Event) -> None:
        """Send the event to each socket that does not know it yet, in the member's variant."""
        self.flush()
        for since_seqs, variant in event.variants():
            for encoding, sockets in self._known.items():
                recipients = [
                    socket
                    for socket, known in sockets.items()
                    if (known < event.version or not event.version)
                    and self.since_seq(socket) in since_seqs
                ]
                _enqueue([variant], encoding, recipients)

    def flush(self) -> None:
        """Send the pending events."""
        events, self._pending = self._pending, []
        for encoding in (Encoding.JSON_BATCH, Encoding.HTML):
            _enqueue(events, encoding, self._known[encoding])


def _enqueue(events: list[Event], encoding: Encoding, sockets: Collection[Socket]) -> None:
    texts = (event.html if encoding == Encoding.HTML else event.json for event in events)
    for batch in split_into_batches(filter(None, texts)):
        metrics.deliveries.inc(len(sockets))
        frame = build_frame(encoding, batch)
        for socket in tuple(sockets):  # a copy, because slow readers are unsubscribed
            socket.enqueue(frame)
