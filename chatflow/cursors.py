"""Where a page of a list ended, in a form that clients hand back without looking at it."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

from chatflow.errors import DomainError


class BadCursor(DomainError):
    code = "bad_cursor"
    message = "This cursor does not come from here."


def packed(at: datetime, conversation_id: uuid.UUID, *numbers: int) -> str:
    parts = (at.isoformat(), conversation_id, *numbers)
    return base64.urlsafe_b64encode(" ".join(map(str, parts)).encode()).decode().rstrip("=")


def unpacked(cursor: str) -> tuple[datetime, uuid.UUID, list[int]]:
    """What was packed; raises BadCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, conversation_id, *numbers = base64.urlsafe_b64decode(padded).decode().split(" ")
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return moment, uuid.UUID(conversation_id), [int(number) for number in numbers]
    except (ValueError, OverflowError):
        raise BadCursor from None
