"""What people reported to the moderators (Report), and what those did about it (AuditEntry)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from messaging.querysets import ReportQuerySet


class Report(models.Model):
    """A reporter's word that a message or a person needs a moderator; open until one has acted.

    `sealed_content` is the reporter's comment and, of a message, what was said and around it, as it
    stood then: under the conversation's key, bound to this row. See `messaging.evidence`.
    """

    class Kind(models.TextChoices):
        MESSAGE = "message", _("message")
        PERSON = "person", _("person")

    class Reason(models.TextChoices):
        SPAM = "spam", _("Spam or advertising")
        ABUSE = "abuse", _("Insults, threats or harassment")
        SEXUAL = "sexual", _("Sexual content")
        ILLEGAL = "illegal", _("Something illegal")
        IMPOSTURE = "imposture", _("Pretends to be somebody else")
        OTHER = "other", _("Something else")

    class Resolution(models.TextChoices):
        DISMISSED = "dismissed", _("dismissed")
        REMOVED = "removed", _("message deleted")
        SUSPENDED = "suspended", _("person suspended")
        REMOVED_AND_SUSPENDED = "both", _("message deleted, person suspended")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="reports",
        verbose_name=_("reported by"),
    )  # accounts are emptied, not deleted
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="reports_about",
        verbose_name=_("reported person"),
    )  # of a message: its sender
    conversation = models.ForeignKey(
        "conversations.Conversation", models.PROTECT, null=True, related_name="reports"
    )  # whose key sealed the content; null: the two share none, and nothing is sealed
    message = models.ForeignKey(
        "messaging.Message", models.PROTECT, null=True, related_name="reports"
    )
    reason = models.CharField(_("reason"), max_length=9, choices=Reason.choices)
    sealed_content = models.BinaryField(default=b"")
    created_at = models.DateTimeField(_("reported"), auto_now_add=True)
    resolution = models.CharField(
        _("resolution"), max_length=9, choices=Resolution.choices, blank=True
    )  # empty: open
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.UniqueConstraint(
                fields=["reporter", "message"],
                condition=Q(resolution="", kind="message"),
                name="a_message_is_reported_once_a_person",
            ),
            models.UniqueConstraint(
                fields=["reporter", "person"],
                condition=Q(resolution="", kind="person"),
                name="a_person_is_reported_once_a_person",
            ),
            models.CheckConstraint(
                condition=Q(kind="message", message__isnull=False, conversation__isnull=False)
                | Q(kind="person", message=None),
                name="a_report_of_a_message_names_it",
            ),
            models.CheckConstraint(
                condition=Q(resolution="", resolved_by=None, resolved_at=None)
                | ~Q(resolution="") & Q(resolved_by__isnull=False, resolved_at__isnull=False),
                name="a_report_is_open_or_somebody_resolved_it",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="open_reports", condition=Q(resolution=""))
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return not self.resolution


class AuditEntry(models.Model):
    """One act of a moderator, looking included. Rows are only ever added."""

    class Act(models.TextChoices):
        LOOKED = "looked", _("looked at the report")
        DISMISSED = "dismissed", _("dismissed the report")
        REMOVED = "removed", _("deleted the message")
        SUSPENDED = "suspended", _("suspended the person")
        RESTORED = "restored", _("restored the person")

    moderator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("moderator")
    )
    act = models.CharField(_("act"), max_length=9, choices=Act.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person")
    )  # whom it concerned
    report = models.ForeignKey(
        Report, models.PROTECT, null=True, related_name="audit", verbose_name=_("report")
    )  # null: without one, from the list of people
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["-at", "-id"], name="newest_acts_first")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.at:%Y-%m-%d %H:%M}"
