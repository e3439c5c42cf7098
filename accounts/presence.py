"""Who is here: a mark a person in the shared cache, kept alive by processes with their sockets.

Marks expire by themselves, so a killed browser, process or machine is noticed without anybody
having counted. Without the cache nobody knows, and nobody is told anything wrong.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.core.cache import cache
from django.utils import timezone

from accounts.models import Block, User

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MARK_SECONDS = 45
PROCESS = uuid.uuid4().hex  # who made a mark: another process's is not ours to take away


@dataclass(frozen=True)
class Presence:
    """As one person sees another; both None when that is none of their business, or unknown."""

    online: bool | None = None
    last_seen_at: datetime | None = None


HIDDEN = UNKNOWN = Presence()


# --- being here ----------------------------------------------------------------------------------


def mark(user_ids: Iterable[str]) -> None:
    """These people have a socket in this process."""
    marks = {_key(user_id): PROCESS for user_id in user_ids}
    if marks:
        _try(lambda: cache.set_many(marks, timeout=MARK_SECONDS), [])


def unmark(user_ids: Iterable[str]) -> None:
    """They have none in this process any more; another one that has some marks them again."""
    keys = [_key(user_id) for user_id in user_ids]
    mine = [key for key, process in (_marks(keys) or {}).items() if process == PROCESS]
    if mine:
        _try(lambda: cache.delete_many(mine), None)


def marked(user_ids: Iterable[str]) -> set[str] | None:
    """Who of these people is here, in whatever process; None when nobody knows."""
    keys = {_key(user_id): user_id for user_id in user_ids}
    marks = _marks(list(keys))
    return None if marks is None else {keys[key] for key in marks}


def note_last_seen(user_ids: Iterable[str]) -> None:
    User.objects.filter(id__in=list(user_ids)).update(last_seen_at=timezone.now())


def hiding_among(user_ids: Iterable[str]) -> set[str]:
    """Who of these lets nobody see them."""
    hiding = User.objects.filter(id__in=list(user_ids), last_seen_to=User.Audience.NOBODY)
    return {str(user_id) for user_id in hiding.values_list("id", flat=True)}


# --- seeing others -------------------------------------------------------------------------------


def seen_by(
    viewer: User, people: Iterable[User], *, contacts: set[uuid.UUID]
) -> dict[uuid.UUID, Presence]:
    """What the viewer may know of each; `contacts` are those they share a conversation with.

    Whoever hides their own presence sees nobody's.
    """
    visible = _visible(viewer, list(people), contacts)
    here = marked(str(user.id) for user in visible)
    return {
        user.id: presence_of(user, online=None if here is None else str(user.id) in here)
        for user in visible
    }


def is_hiding(user: User) -> bool:
    return user.last_seen_to == User.Audience.NOBODY


def presence_of(user: User, *, online: bool | None) -> Presence:
    """When somebody was last seen is of interest only while they are known to be away."""
    if online is None:
        return UNKNOWN
    return Presence(online, None if online else user.last_seen_at)


def _visible(viewer: User, people: list[User], contacts: set[uuid.UUID]) -> list[User]:
    if is_hiding(viewer):
        return []
    apart = Block.objects.apart_from(viewer)
    return [
        user
        for user in people
        if user.id not in apart
        and (
            user.last_seen_to == User.Audience.EVERYONE
            or (user.last_seen_to == User.Audience.CONTACTS and user.id in contacts)
        )
    ]


def _marks(keys: list[str]) -> dict[str, str] | None:
    return _try(lambda: cache.get_many(keys), None) if keys else {}


def _key(user_id: str) -> str:
    return f"present:{user_id}"


def _try(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    try:
        return ask()
    except Exception as error:
        logger.warning("presence is unknown (%s)", type(error).__name__)
        return otherwise
