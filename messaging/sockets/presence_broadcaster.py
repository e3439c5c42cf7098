"""Mark the connected users as online, and send changes of presence to the sockets that watch.

Each process has one timer for all of its sockets. The marks are in the shared cache, where each
process reads those of the users whom its own sockets watch, so no events are published.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

from django.template.loader import render_to_string

from accounts import presence
from accounts.models import User
from accounts.presence import HIDDEN
from accounts.querysets import UserQuerySet
from accounts.serializers import presence_json
from chatflow.live.events import Event, presence_topic
from chatflow.live.hub import Hub
from chatflow.live.sockets import in_thread
from conversations.access import contacts_among

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.5
REFRESH_TICKS = 10  # marks are refreshed well before they expire
LAST_SEEN_TICKS = 40  # how often an outdated `last_seen_at` is updated
NOT_SENT = object()

States = dict[str, bool | None]  # whether a user is online, by id; None while that is unknown


def watchable(user: User, people: UserQuerySet) -> list[User]:
    """Return those of these people whose presence the user may watch: contacts who allow it.

    The user is read again, because they may have hidden their own presence meanwhile.
    """
    user = User.objects.get(id=user.id)
    contacts = contacts_among(user, people.reachable())
    return presence.visible_to(user, contacts, contacts={person.id for person in contacts})


class PresenceBroadcaster:
    """Tracks who is connected to this process, and what was last sent about watched users."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connected: set[str] = set()
        self._hiding: set[str] = set()
        self._found: States = {}  # of watched users, in the last tick
        self._sent: States = {}  # of watched users, as last sent
        self._ticks = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception:
                logger.exception("presence could not be broadcast")

    async def tick(self) -> None:
        connected = {socket.user_id for socket in self._hub.sockets}
        if not connected and not self._connected:
            return
        for event in await in_thread(self._exchange, connected, self._hub.watched_users()):
            self._hub.deliver(event)

    def _exchange(self, connected: set[str], watched: set[str]) -> list[Event]:
        self._mark(connected)
        return list(self._changes(watched))

    def _mark(self, connected: set[str]) -> None:
        arrived, gone = connected - self._connected, self._connected - connected
        is_refresh = self._ticks % REFRESH_TICKS == 0
        if arrived or is_refresh:
            self._hiding = presence.hiding_among(connected)
        shown = connected - self._hiding
        presence.mark_online(
            shown if is_refresh else shown - (presence.online_among(shown) or set())
        )
        presence.mark_offline(gone | (connected & self._hiding))
        if gone:
            presence.note_last_seen(gone)
        if seen := connected if self._ticks % LAST_SEEN_TICKS == 0 else arrived:
            presence.note_still_online(seen)
        self._connected = connected  # at the end, so that the next tick repeats what failed
        self._ticks += 1

    def _changes(self, watched: set[str]) -> Iterator[Event]:
        """Yield an event for each watched user whose state differs from what was sent.

        Online is reported immediately, offline and unknown only after two ticks in a row have found
        it: another process may refresh the mark in between, or the cache may answer again. A user
        who was not watched before is always reported, because their state may have changed since
        the `watch` command was answered.
        """
        online = presence.online_among(watched)
        found = {user_id: None if online is None else user_id in online for user_id in watched}
        changed = {user_id for user_id, state in found.items() if self._has_changed(user_id, state)}
        sent = {user_id: self._sent[user_id] for user_id in watched & self._sent.keys()}
        self._found, self._sent = found, sent | {user_id: found[user_id] for user_id in changed}
        for user in User.objects.filter(id__in=changed):
            yield presence_event(user, online=found[str(user.id)])

    def _has_changed(self, user_id: str, state: bool | None) -> bool:
        is_confirmed = state is True or self._found.get(user_id, NOT_SENT) == state
        return is_confirmed and self._sent.get(user_id, NOT_SENT) != state


def presence_event(user: User, *, online: bool | None) -> Event:
    """Return the event for the sockets that watch the user. For a user who now hides their
    presence, it does not reveal whether they are online."""
    state = HIDDEN if presence.is_hiding(user) else presence.presence_of(user, online=online)
    payload = presence_json(user, state)
    return Event(
        presence_topic(user.id),
        json=json.dumps({"type": "presence"} | payload),
        html=render_to_string("accounts/_presence.html", {"presence": payload}),
    )
