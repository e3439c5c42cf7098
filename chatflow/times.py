"""ISO times, the time zone of a browser, and the clock of the database."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func, Value
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpRequest
from django.utils import timezone


def iso(moment: datetime | None) -> str | None:
    """Format as ISO 8601 in UTC with `Z`, as DRF does."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """Return the time zone in the browser's cookie, or None if it is missing or invalid."""
    name = request.COOKIES.get("tz", "")
    return ZoneInfo(name) if name in _zone_names() else None


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


class DatabaseTime(Func):
    """The time at which the database runs the statement, one clock for all processes.

    With SQLite it is the time of this machine, which is more precise than SQLite's function.
    """

    template = "CLOCK_TIMESTAMP()"
    output_field = DateTimeField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        return compiler.compile(Value(timezone.now(), output_field=DateTimeField()))
