"""Queries for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F
from django.utils import timezone

if TYPE_CHECKING:  # messaging.moderation.models imports this module
    from accounts.models import User
    from messaging.moderation.models import Report  # noqa: F401 (named by the base class)


class ReportQuerySet(models.QuerySet["Report"]):
    def open(self) -> ReportQuerySet:
        return self.filter(resolution="")

    def for_moderator(self, moderator: User) -> ReportQuerySet:
        """Leave out the reports about the moderator, which they may neither see nor resolve."""
        return self.exclude(person=moderator)

    def resolve(self, resolution: str, *, by: User) -> int:
        """Resolve these reports and return their number."""
        now = timezone.now()
        return self.update(resolution=resolution, resolved_by=by, resolved_at=now)

    def open_first(self) -> ReportQuerySet:
        """Order open reports first, then the most recently resolved ones."""
        return self.order_by(F("resolved_at").desc(nulls_first=True), "-created_at", "-id")

    def for_display(self) -> ReportQuerySet:
        return self.select_related(
            "reporter", "person", "resolved_by", "conversation", "message__sender"
        )
