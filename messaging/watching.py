"""Presence as sockets live it: who is here is marked, and who looks at somebody is told.

One timer a process, however many sockets. The marks are shared, so processes need not tell each
other: each compares the marks of the people its own sockets look at.
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
from accounts.serializers import presence_json
from chatflow.hub import Hub
from chatflow.realtime import Event, presence_topic
from chatflow.sockets import in_thread

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.5
REFRESH_TICKS = 10  # marks are made anew well before they expire
UNTOLD = object()

States = dict[str, bool | None]  # by user id; None while nobody knows


class Watch:
    """What this process knows: who is here, and how those stand who are being looked at."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._here: set[str] = set()
        self._hiding: set[str] = set()
        self._found: States = {}  # those looked at, as the last tick found them
        self._told: States = {}  # and as the lookers were told
        self._ticks = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._tick()
            except Exception:
                logger.exception("presence could not be told")

    async def _tick(self) -> None:
        here = {socket.user_id for socket in self._hub.sockets}
        if not here and not self._here:
            return
        for event in await in_thread(self._exchange, here, self._hub.looked_at()):
            self._hub.deliver(event)

    def _exchange(self, here: set[str], looked_at: set[str]) -> list[Event]:
        self._mark(here)
        return list(self._news(looked_at))

    def _mark(self, here: set[str]) -> None:
        arrived, gone, self._here = here - self._here, self._here - here, here
        is_refresh = self._ticks % REFRESH_TICKS == 0
        self._ticks += 1
        if arrived or is_refresh:
            self._hiding = presence.hiding_among(here)
        shown = here - self._hiding
        presence.mark(shown if is_refresh else shown - (presence.marked(shown) or set()))
        presence.unmark(gone | (here & self._hiding))
        if seen := gone | (here if is_refresh else arrived):
            presence.note_last_seen(seen)

    def _news(self, looked_at: set[str]) -> Iterator[Event]:
        """Who comes is told at once; that they are away, or that nobody knows, at the second look:
        another process may be about to mark them again, and the cache to answer.

        Told once as well of whoever is looked at anew, for they may have gone since the answer.
        """
        online = presence.marked(looked_at)
        found = {user_id: _state(user_id, online) for user_id in looked_at}
        changed = {user_id for user_id, state in found.items() if self._is_news(user_id, state)}
        told = {user_id: self._told[user_id] for user_id in looked_at & self._told.keys()}
        self._found, self._told = found, told | {user_id: found[user_id] for user_id in changed}
        for user in User.objects.filter(id__in=changed):
            yield presence_event(user, online=found[str(user.id)])

    def _is_news(self, user_id: str, state: bool | None) -> bool:
        is_sure = state is True or self._found.get(user_id, UNTOLD) == state
        return is_sure and self._told.get(user_id, UNTOLD) != state


def _state(user_id: str, online: set[str] | None) -> bool | None:
    return None if online is None else user_id in online


def presence_event(user: User, *, online: bool | None) -> Event:
    """Whoever begins to hide is not said to have just gone."""
    state = HIDDEN if presence.is_hiding(user) else presence.presence_of(user, online=online)
    fact = presence_json(user, state)
    return Event(
        presence_topic(user.id),
        json=json.dumps({"type": "presence"} | fact),
        html=render_to_string("accounts/_presence.html", {"presence": fact}),
    )
