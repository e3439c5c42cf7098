"""The forms about conversations: they parse, the services decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatflow.forms import DomainForm
from conversations.models import TITLE_LENGTH, Membership

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
SILENCES = {"8h": timedelta(hours=8), "week": timedelta(days=7)}


class UsernamesField(forms.MultipleChoiceField):
    """Any usernames, ticked or typed; whether they exist is for the services to say."""

    def valid_value(self, value: Any) -> bool:
        return True


class NewChatForm(DomainForm):
    member = forms.CharField(label=_("Username"), max_length=150)


class TitleForm(DomainForm):
    title = forms.CharField(
        label=_("Group name"),
        max_length=TITLE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MembersForm(DomainForm):
    members = UsernamesField(error_messages={"required": _("Choose at least one person.")})


class GroupForm(TitleForm, MembersForm):
    """What a group is called and who is in it."""


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role.choices)


def _is_one(value: str) -> bool:
    return value == "1"


class DraftForm(forms.Form):
    text = forms.CharField(strip=False, required=False)


class SettingsForm(forms.Form):
    """How one keeps a conversation; what is not named stays as it is."""

    pinned = forms.TypedChoiceField(
        choices=[(0, ""), (1, "")], coerce=_is_one, empty_value=None, required=False
    )
    archived = forms.TypedChoiceField(
        choices=[(0, ""), (1, "")], coerce=_is_one, empty_value=None, required=False
    )
    mute = forms.ChoiceField(
        choices=[(how, "") for how in ("8h", "week", "always", "off")], required=False
    )

    def changes(self) -> dict[str, datetime | bool | None]:
        asked = self.cleaned_data if self.is_valid() else {}
        flags = ("pinned", "archived")
        changes = {flag: asked[flag] for flag in flags if asked.get(flag) is not None}
        return changes | {"muted_until": _end_of(asked["mute"])} if asked.get("mute") else changes


def _end_of(silence: str) -> datetime | None:
    if silence == "off":
        return None
    return timezone.now() + SILENCES[silence] if silence in SILENCES else FOR_EVER
