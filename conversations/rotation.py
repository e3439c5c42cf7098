"""Re-wrapping data keys under the first of MESSAGE_KEYS, while people chat; messages stay as is.

Each key is one small write of its own, so a rotation that is killed has done what it has done, and
the next one goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from enum import Enum

from conversations import encryption
from conversations.models import Conversation

PAGE = 500

StoredKey = tuple[uuid.UUID, bytes]


class Outcome(Enum):
    REWRAPPED = "re-wrapped"
    NEW_ALREADY = "under the first key already"
    UNREADABLE = "not readable with any of MESSAGE_KEYS, and left as they are"


class StoredKeys:
    """The wrapped key of every conversation, a page at a time: there may be a million."""

    def __len__(self) -> int:
        return Conversation.objects.count()

    def __iter__(self) -> Iterator[StoredKey]:
        page = self._page()
        while page:
            yield from page
            page = self._page(after=page[-1][0])

    def _page(self, after: uuid.UUID | None = None) -> list[StoredKey]:
        rest = Conversation.objects.filter(id__gt=after) if after else Conversation.objects.all()
        found = rest.order_by("id").values_list("id", "wrapped_key")[:PAGE]
        return [(conversation_id, bytes(wrapped)) for conversation_id, wrapped in found]


def rewrap(conversation_id: uuid.UUID, wrapped_key: bytes) -> Outcome:
    """Only what is still as it was read is replaced, so two rotations at once do no harm."""
    if encryption.is_under_first_key(wrapped_key):
        return Outcome.NEW_ALREADY
    if not encryption.opens(wrapped_key):
        return Outcome.UNREADABLE
    unchanged = Conversation.objects.filter(id=conversation_id, wrapped_key=wrapped_key)
    replaced = unchanged.update(wrapped_key=encryption.rewrapped(wrapped_key))
    return Outcome.REWRAPPED if replaced else Outcome.NEW_ALREADY
