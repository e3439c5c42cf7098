"""Times as programs read them."""

from __future__ import annotations

from datetime import datetime


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`, as DRF writes it."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
