"""Create UUIDs. No other module depends on the library that generates them.

Migrations refer to `uuid7` here, so the library can be exchanged without touching them. Python 3.14
has `uuid.uuid7`.
"""

from __future__ import annotations

from uuid import UUID

from uuid_utils import compat


def uuid7() -> UUID:
    """Return a new UUID of version 7, which sorts by the time of its creation."""
    return compat.uuid7()
