"""Presence: who is online, and who may see it.

Every process keeps a key in the shared cache for each user who has a socket there. The keys expire,
so users go offline even if a browser, process or machine is killed. While the cache is unavailable,
presence is unknown.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from accounts.models import Block, User

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

KEY_SECONDS = 45
LAST_SEEN_INTERVAL = timedelta(minutes=5)  # of writes for a user who stays online
PROCESS = uuid.uuid4().hex  # the value of this process's keys, so that it deletes no others


@dataclass(frozen=True)
class Presence:
    """The presence of one user as another sees it. Both are None if it is hidden or unknown."""

    online: bool | None = None
    last_seen_at: datetime | None = None


HIDDEN = UNKNOWN = Presence()


# --- who is online -------------------------------------------------------------------------------


def mark_online(user_ids: Iterable[str]) -> None:
    """Set or renew the keys of users who have a socket in this process."""
    keys = {_key(user_id): PROCESS for user_id in user_ids}
    if keys:
        _try(lambda: cache.set_many(keys, timeout=KEY_SECONDS), [])


def mark_offline(user_ids: Iterable[str]) -> None:
    """Delete our keys of users who have no socket left in this process.

    If they have one in another process, that process sets the key again.
    """
    keys = [_key(user_id) for user_id in user_ids]
    own = [key for key, process in (_read(keys) or {}).items() if process == PROCESS]
    if own:
        _try(lambda: cache.delete_many(own), None)


def online_among(user_ids: Iterable[str]) -> set[str] | None:
    """Return which of these users have a socket in any process, or None if it is unknown."""
    keys = {_key(user_id): user_id for user_id in user_ids}
    found = _read(list(keys))
    return None if found is None else {keys[key] for key in found}


def note_last_seen(user_ids: Iterable[str]) -> None:
    users = User.objects.filter(id__in=list(user_ids), deleted_at=None)
    users.update(last_seen_at=timezone.now())


def note_still_online(user_ids: Iterable[str]) -> None:
    """Note users as last seen now, unless that was done within the last few minutes.

    A process also notes when a user's last socket closes. This is for processes that are killed.
    """
    is_due = Q(last_seen_at=None) | Q(last_seen_at__lt=timezone.now() - LAST_SEEN_INTERVAL)
    due = User.objects.filter(is_due, id__in=list(user_ids))
    note_last_seen([str(user_id) for user_id in due.values_list("id", flat=True)])


def hiding_among(user_ids: Iterable[str]) -> set[str]:
    """Return which of these users hide their presence from everyone."""
    hiding = User.objects.filter(id__in=list(user_ids), last_seen_to=User.Visibility.NOBODY)
    return {str(user_id) for user_id in hiding.values_list("id", flat=True)}


# --- who may see it ------------------------------------------------------------------------------


def seen_by(
    viewer: User, users: Iterable[User], *, contacts: set[uuid.UUID]
) -> dict[uuid.UUID, Presence]:
    """Return the presence of those users whose presence the viewer may see, by user id."""
    return presence_among(visible_to(viewer, users, contacts=contacts))


def presence_among(users: Collection[User]) -> dict[uuid.UUID, Presence]:
    """Return the presence of each user, for viewers who may see it."""
    online = online_among(str(user.id) for user in users)
    return {
        user.id: presence_of(user, online=None if online is None else str(user.id) in online)
        for user in users
    }


def is_hiding(user: User) -> bool:
    return user.last_seen_to == User.Visibility.NOBODY


def presence_of(user: User, *, online: bool | None) -> Presence:
    """Return the presence. `last_seen_at` is only shown of users who are offline."""
    if online is None:
        return UNKNOWN
    return Presence(online, None if online else user.last_seen_at)


def visible_to(viewer: User, users: Iterable[User], *, contacts: set[uuid.UUID]) -> list[User]:
    """Return the users whose presence the viewer may see.

    A viewer who hides their own presence sees no one's. `contacts` are the ids of the users with
    whom the viewer shares a conversation.
    """
    if is_hiding(viewer):
        return []
    blocked = Block.objects.with_user(viewer)
    return [
        user
        for user in users
        if user.id not in blocked
        and not user.is_deleted
        and (
            user.last_seen_to == User.Visibility.EVERYONE
            or (user.last_seen_to == User.Visibility.CONTACTS and user.id in contacts)
        )
    ]


def _read(keys: list[str]) -> dict[str, str] | None:
    return _try(lambda: cache.get_many(keys), None) if keys else {}


def _key(user_id: str) -> str:
    return f"present:{user_id}"


def _try(operation: Callable[[], Result], default: Result) -> Result:
    """Run a cache operation; log an error and return the default while the cache is unavailable."""
    try:
        return operation()
    except Exception as error:
        logger.warning("presence is unknown (%s)", type(error).__name__)
        return default
