"""The form for reporting a message or a user."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from chatflow.forms import DomainForm
from messaging.moderation.models import Report
from messaging.moderation.reports import MAX_COMMENT_LENGTH


class ReportForm(DomainForm):
    reason = forms.ChoiceField(
        label=_("Reason"), choices=[("", _("Choose a reason")), *Report.Reason.choices]
    )
    comment = forms.CharField(
        label=_("Details"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "maxlength": MAX_COMMENT_LENGTH}),
        help_text=_("Optional. Only moderators can read this."),
    )
    block = forms.BooleanField(required=False)

    def name_person(self, name: str) -> None:
        self.fields["block"].label = _("Also block %(name)s") % {"name": name}
