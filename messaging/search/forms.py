"""The form of the search page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from messaging.search.query import Query


class SearchForm(forms.Form):
    """The text to search for and the filters.

    `since` and `until` are both included. They are days in `zone`, or in UTC if that is None.
    """

    q = forms.CharField(label=_("Search"), required=False)
    conversation = forms.UUIDField(label=_("Chat"), required=False)
    sender = forms.CharField(label=_("From"), max_length=150, required=False)
    since = forms.DateField(label=_("From date"), required=False)
    until = forms.DateField(label=_("To date"), required=False)

    def __init__(self, data: QueryDict, *, zone: ZoneInfo | None) -> None:
        super().__init__(data)
        self.zone = zone

    def query(self) -> Query:
        cleaned = self.cleaned_data
        return Query(
            text=cleaned["q"],
            conversation=cleaned["conversation"],
            sender=cleaned["sender"].removeprefix("@"),
            after=self._start_of(cleaned["since"]),
            before=self._start_of(cleaned["until"], days_later=1),
        )

    def _start_of(self, day: date | None, *, days_later: int = 0) -> datetime | None:
        """Return None for days outside the range of `datetime`: they limit nothing."""
        if day is None:
            return None
        try:
            start = datetime.combine(day + timedelta(days=days_later), time.min)
            return start.replace(tzinfo=self.zone or UTC).astimezone(UTC)
        except OverflowError:
            return None
