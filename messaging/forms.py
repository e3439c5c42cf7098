"""The forms about messages: they parse, the services decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from chatflow.forms import DomainForm
from messaging.models import Report
from messaging.queries import Query
from messaging.reports import COMMENT_LENGTH

MOST = 2**62


class SendForm(forms.Form):
    body = forms.CharField(strip=False, required=False)
    id = forms.UUIDField(required=False)
    reply_to = forms.UUIDField(required=False)


class BodyForm(DomainForm):
    body = forms.CharField(
        label=_("Message"),
        strip=False,
        required=False,  # the service says what is wrong with an empty one
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )


class EmojiForm(forms.Form):
    emoji = forms.CharField(max_length=100)


class ReportForm(DomainForm):
    """Why, in a word and in one's own words; the service says what is wrong with those."""

    reason = forms.ChoiceField(
        label=_("Why?"), choices=[("", _("Choose a reason")), *Report.Reason.choices]
    )
    comment = forms.CharField(
        label=_("What should the moderators know?"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "maxlength": COMMENT_LENGTH}),
        help_text=_("If you like. Nobody else reads it."),
    )
    block = forms.BooleanField(required=False)

    def name_person(self, name: str) -> None:
        self.fields["block"].label = _("Block %(name)s as well") % {"name": name}


class PlaceForm(forms.Form):
    """Where in the history: at most one of the three, else the newest page."""

    before = forms.IntegerField(min_value=0, max_value=MOST, required=False)
    after = forms.IntegerField(min_value=0, max_value=MOST, required=False)
    around = forms.IntegerField(min_value=0, max_value=MOST, required=False)


class ReplyForm(forms.Form):
    """Which message is being answered; it may come with a place."""

    reply = forms.UUIDField(required=False)


class SinceForm(forms.Form):
    since = forms.IntegerField(min_value=0, max_value=MOST)


class SearchForm(forms.Form):
    """What is searched for, and the filters; dates are days in UTC, both of them included."""

    q = forms.CharField(label=_("Search"), required=False)
    conversation = forms.UUIDField(label=_("Chat"), required=False)
    sender = forms.CharField(label=_("Sent by"), max_length=150, required=False)
    since = forms.DateField(label=_("Since"), required=False)
    until = forms.DateField(label=_("Until"), required=False)

    def query(self) -> Query:
        wanted = self.cleaned_data
        return Query(
            text=wanted["q"],
            conversation=wanted["conversation"],
            sender=wanted["sender"].removeprefix("@"),
            after=_start_of(wanted["since"]),
            before=_start_of(wanted["until"], days_later=1),
        )


def _start_of(day: date | None, *, days_later: int = 0) -> datetime | None:
    """The last day there is has no day after."""
    if day is None or day > date.max - timedelta(days=days_later):
        return None
    return datetime.combine(day + timedelta(days=days_later), time.min, tzinfo=UTC)
