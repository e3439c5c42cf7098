"""What was said (Message), what people feel about it (Reaction), and what finds it (IndexRow)."""

from __future__ import annotations

import logging
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from conversations import encryption
from conversations.models import Conversation
from messaging.notices import Told, told
from messaging.querysets import MessageQuerySet
from messaging.report_models import AuditEntry, Report

__all__ = ["AuditEntry", "Message", "Reaction", "Report"]

logger = logging.getLogger(__name__)

BODY_LENGTH = 4096


class Message(models.Model):
    """A line of a conversation's history. Its id is chosen by whoever sends it.

    `seq` orders a conversation's messages without gaps; `version` is the conversation's version at
    the message's last change. Both are given out under the conversation's row lock.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        SYSTEM = "system", _("notice")

    class Status(models.TextChoices):
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages")
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="messages", db_index=False
    )  # null: a notice that nobody said; no index: accounts are emptied, never deleted
    sealed_body = models.BinaryField()
    hidden_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )  # had blocked the sender: it takes its place in the order, and they never see it
    reply_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="replies", db_index=False
    )
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    given_reactions: list[Reaction]  # by `.for_display()`

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "seq"], name="messages_stand_in_one_order"
            ),
            models.UniqueConstraint(
                fields=["conversation", "version"], name="a_version_is_one_change"
            ),
            models.CheckConstraint(condition=Q(seq__gt=0), name="seq_counts_from_one"),
        ]
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="messages_stand_in_time"),
            models.Index(
                fields=["reply_to"],
                name="messages_that_reply",
                condition=Q(reply_to__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq}"

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def is_notice(self) -> bool:
        return self.kind == self.Kind.SYSTEM

    @cached_property
    def body(self) -> str:
        """What is shown of it; empty once deleted."""
        if self.is_deleted:
            return ""
        if self.text is None:
            return gettext("This message cannot be read.")
        return str(self.told) if self.is_notice else self.text

    @cached_property
    def told(self) -> Told | None:
        """What a notice tells. Needs the conversation to be loaded."""
        return told(self.text) if self.is_notice and self.text is not None else None

    @cached_property
    def text(self) -> str | None:
        """What is sealed, in clear; None if that cannot be read. Needs the conversation loaded."""
        try:
            text = encryption.opened(
                self.sealed_body, conversation=self.conversation, message_id=self.id
            )
            if self.is_notice:
                told(text)  # or it is a message that was made a notice
            return text
        except (encryption.CannotBeRead, ValueError):
            logger.error(
                "message %s of conversation %s cannot be read", self.id, self.conversation_id
            )
            return None

    @property
    def quoted(self) -> Message | None:
        """What it replies to, unless a block keeps that from some who are shown this."""
        original = self.reply_to
        is_shown = original and original.hidden_from_id in (None, self.hidden_from_id)
        return original if is_shown else None

    @property
    def status(self) -> Status:
        """The same for every viewer: how far all members have come."""
        if self.hidden_from_id:
            return self.Status.SENT
        if self.seq <= self.conversation.read_seq:
            return self.Status.READ
        if self.seq <= self.conversation.delivered_seq:
            return self.Status.DELIVERED
        return self.Status.SENT


class Reaction(models.Model):
    """An emoji that one person gave one message."""

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="reactions", db_index=False
    )  # an_emoji_counts_once_a_person begins with it
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reactions")
    emoji = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user", "emoji"], name="an_emoji_counts_once_a_person"
            )
        ]

    def __str__(self) -> str:
        return self.emoji


class RowKey(models.BigIntegerField):
    """A primary key; on SQLite the table's own row number, so that no second tree is needed."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class IndexRow(models.Model):
    """A row of the search's index; see messaging.index. It tells nothing without the key."""

    key = RowKey(primary_key=True)
    postings = models.BinaryField()

    def __str__(self) -> str:
        return str(self.key)


class Backlog(models.Model):
    """A conversation whose messages up to `seq` wait for `manage.py rebuild_search`."""

    conversation = models.OneToOneField(
        Conversation, models.CASCADE, primary_key=True, related_name="backlog"
    )
    seq = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq}"
