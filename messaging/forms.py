"""Forms of the messaging pages. They parse input; the services check the rules."""

from __future__ import annotations

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from chatflow.forms import DomainForm

MAX_POSITION = 2**62


class IdsField(forms.TypedMultipleChoiceField):
    """Any number of UUIDs, as repeated fields."""

    def valid_value(self, value: str) -> bool:
        return True  # the service checks which ones exist


class SendForm(forms.Form):
    body = forms.CharField(strip=False, required=False)
    id = forms.UUIDField(required=False)
    reply_to = forms.UUIDField(required=False)
    attachments = IdsField(coerce=uuid.UUID, empty_value=[], required=False)


class BodyForm(DomainForm):
    body = forms.CharField(
        label=_("Message"),
        strip=False,
        required=False,  # the service refuses an empty text
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )


class EmojiForm(forms.Form):
    emoji = forms.CharField(max_length=100)


class PositionForm(forms.Form):
    """A position in the history; see `history.find_page`."""

    before = forms.IntegerField(min_value=0, max_value=MAX_POSITION, required=False)
    after = forms.IntegerField(min_value=0, max_value=MAX_POSITION, required=False)
    around = forms.IntegerField(min_value=0, max_value=MAX_POSITION, required=False)


class ReplyForm(forms.Form):
    reply = forms.UUIDField(required=False)


class SinceForm(forms.Form):
    since = forms.IntegerField(min_value=0, max_value=MAX_POSITION)
