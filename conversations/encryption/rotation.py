"""Wrap data keys again with the first of MESSAGE_KEYS, while the server runs.

Messages are not touched. Each key is one small write, so an interrupted rotation can be repeated.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from enum import Enum

from conversations.encryption import envelope
from conversations.models import Conversation

PAGE_SIZE = 500

StoredKey = tuple[uuid.UUID, bytes]


class Outcome(Enum):
    REWRAPPED = "re-wrapped"
    UNCHANGED = "under the first key already"
    UNREADABLE = "not readable with any of MESSAGE_KEYS, and left as they are"


class StoredKeys:
    """The wrapped keys of all conversations, read page by page because there may be a million."""

    def __len__(self) -> int:
        return Conversation.objects.count()

    def __iter__(self) -> Iterator[StoredKey]:
        page = self._page()
        while page:
            yield from page
            page = self._page(after=page[-1][0])

    def _page(self, after: uuid.UUID | None = None) -> list[StoredKey]:
        rest = Conversation.objects.filter(id__gt=after) if after else Conversation.objects.all()
        found = rest.order_by("id").values_list("id", "wrapped_key")[:PAGE_SIZE]
        return [(conversation_id, bytes(wrapped)) for conversation_id, wrapped in found]


def rewrap(conversation_id: uuid.UUID, wrapped_key: bytes) -> Outcome:
    """Wrap one key again, unless it was replaced since it was read."""
    if envelope.is_under_first_key(wrapped_key):
        return Outcome.UNCHANGED
    if not envelope.opens(wrapped_key):
        return Outcome.UNREADABLE
    unchanged = Conversation.objects.filter(id=conversation_id, wrapped_key=wrapped_key)
    replaced = unchanged.update(wrapped_key=envelope.rewrapped(wrapped_key))
    return Outcome.REWRAPPED if replaced else Outcome.UNCHANGED
