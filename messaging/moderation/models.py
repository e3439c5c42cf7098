"""Reports to the moderators, and the audit log of what moderators do."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatflow.identifiers import uuid7
from messaging.moderation.querysets import ReportQuerySet


class Report(models.Model):
    """A user's report of a message or a person. It is open until a moderator resolves it.

    `sealed_content` holds the comment and, for a message, it and its neighbours as they were. It is
    encrypted with the conversation's key and bound to this row; see `snapshots.py`.
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
    )  # accounts are anonymized, never deleted
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="reports_about",
        verbose_name=_("reported person"),
    )  # the sender, if a message is reported
    conversation = models.ForeignKey(
        "conversations.Conversation", models.PROTECT, null=True, related_name="reports"
    )  # its key encrypts the content; null if the two share none
    message = models.ForeignKey(
        "messaging.Message", models.PROTECT, null=True, related_name="reports"
    )
    reason = models.CharField(_("reason"), max_length=9, choices=Reason.choices)
    sealed_content = models.BinaryField(default=b"")
    created_at = models.DateTimeField(_("reported"), auto_now_add=True)
    resolution = models.CharField(
        _("resolution"), max_length=9, choices=Resolution.choices, blank=True
    )  # empty while the report is open
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
                name="open_reports_of_messages_are_unique",
            ),
            models.UniqueConstraint(
                fields=["reporter", "person"],
                condition=Q(resolution="", kind="person"),
                name="open_reports_of_users_are_unique",
            ),
            models.CheckConstraint(
                condition=Q(kind="message", message__isnull=False, conversation__isnull=False)
                | Q(kind="person", message=None),
                name="reports_of_messages_have_a_message",
            ),
            models.CheckConstraint(
                condition=Q(resolution="", resolved_by=None, resolved_at=None)
                | ~Q(resolution="") & Q(resolved_by__isnull=False, resolved_at__isnull=False),
                name="only_resolved_reports_have_a_moderator",
            ),
        ]
        indexes = [
            # The order of `ReportQuerySet.open_first`, on PostgreSQL.
            models.Index(fields=["-resolved_at", "-created_at", "-id"], name="open_reports_first")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return not self.resolution


class AuditEntry(models.Model):
    """Something that a moderator did, including reading a report. Rows are never changed."""

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
    )  # who was reported, suspended or restored
    report = models.ForeignKey(
        Report, models.PROTECT, null=True, related_name="audit", verbose_name=_("report")
    )  # null if the moderator acted from the list of users
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=["-at", "-id"], name="audit_entries_newest_first")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.at:%Y-%m-%d %H:%M}"
