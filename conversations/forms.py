"""Forms of the conversation pages. They parse input; the services check the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatflow.forms import DomainForm
from conversations.models import FOREVER, MAX_TITLE_LENGTH, Membership

MUTES = {"8h": timedelta(hours=8), "week": timedelta(days=7)}


class UsernamesField(forms.MultipleChoiceField):
    """Any usernames. The services check whether they exist."""

    def valid_value(self, value: Any) -> bool:
        return True


class NewChatForm(DomainForm):
    member = forms.CharField(label=_("Username"), max_length=150)


class TitleForm(DomainForm):
    title = forms.CharField(
        label=_("Group name"),
        max_length=MAX_TITLE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MembersForm(DomainForm):
    members = UsernamesField(error_messages={"required": _("Choose at least one person.")})


class GroupForm(TitleForm):
    members = UsernamesField(error_messages={"required": _("Add at least two people.")})


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role.choices)


def _is_one(value: str) -> bool:
    return value == "1"


class DraftForm(forms.Form):
    text = forms.CharField(strip=False, required=False)


class SettingsForm(forms.Form):
    """A member's own settings. Those that are not sent stay as they are.

    `read` is not a setting: it marks all messages as read.
    """

    pinned = forms.TypedChoiceField(
        choices=[(0, ""), (1, "")], coerce=_is_one, empty_value=None, required=False
    )
    archived = forms.TypedChoiceField(
        choices=[(0, ""), (1, "")], coerce=_is_one, empty_value=None, required=False
    )
    marked_unread = forms.TypedChoiceField(
        choices=[(0, ""), (1, "")], coerce=_is_one, empty_value=None, required=False
    )
    mute = forms.ChoiceField(
        choices=[(choice, "") for choice in (*MUTES, "always", "off")], required=False
    )
    read = forms.BooleanField(required=False)

    def changes(self) -> dict[str, datetime | bool | None]:
        """Return the settings that were sent; empty if one of them is invalid."""
        if not self.is_valid():
            return {}
        changes: dict[str, datetime | bool | None] = {}
        for flag in ("pinned", "archived", "marked_unread"):
            if self.cleaned_data[flag] is not None:
                changes[flag] = self.cleaned_data[flag]
        if mute := self.cleaned_data["mute"]:
            changes["muted_until"] = _end_of(mute)
        return changes

    def is_read(self) -> bool:
        return self.is_valid() and self.cleaned_data["read"]


def _end_of(mute: str) -> datetime | None:
    if mute == "off":
        return None
    return timezone.now() + MUTES[mute] if mute in MUTES else FOREVER
