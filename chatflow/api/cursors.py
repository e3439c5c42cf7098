"""Keyset pagination for the API: page sizes, and cursors that clients send back unchanged."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime

from chatflow.errors import DomainError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100


class BadCursor(DomainError):
    code = "bad_cursor"
    message = "Invalid cursor."


def packed(at: datetime, conversation_id: uuid.UUID, *numbers: int) -> str:
    """Encode the position of a page's last row as an opaque, URL-safe string."""
    parts = (at.isoformat(), conversation_id, *numbers)
    return base64.urlsafe_b64encode(" ".join(map(str, parts)).encode()).decode().rstrip("=")


def unpacked(cursor: str) -> tuple[datetime, uuid.UUID, list[int]]:
    """Decode a cursor; raises BadCursor if `packed` cannot have made it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, conversation_id, *numbers = base64.urlsafe_b64decode(padded).decode().split(" ")
        moment = datetime.fromisoformat(at).astimezone(UTC)
        unpacked_numbers = [int(number) for number in numbers]
        conversation = uuid.UUID(conversation_id)
    except (ValueError, OverflowError):
        raise BadCursor from None
    if any(number.bit_length() > 63 for number in unpacked_numbers):  # no database column has it
        raise BadCursor
    return moment, conversation, unpacked_numbers
