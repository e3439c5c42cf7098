"""Messages, reactions, and the posting lists of the search index."""

from __future__ import annotations

import logging
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chatflow.identifiers import uuid7
from conversations.encryption import envelope as encryption
from conversations.models import Conversation
from messaging.attachments.models import Attachment, labels, with_names
from messaging.moderation.models import AuditEntry, Report  # registers them with this app
from messaging.querysets import MessageQuerySet
from messaging.system_messages import SystemMessage

__all__ = ["Attachment", "AuditEntry", "Message", "Reaction", "Report"]

logger = logging.getLogger(__name__)

MAX_BODY_LENGTH = 4096  # characters


class Message(models.Model):
    """A message that a member sent, or a system message about the conversation itself.

    The client that sends a message may choose its id, so that it can retry. `seq` numbers a
    conversation's messages without gaps. `version` is the conversation's version at the message's
    last change. `messaging.history` assigns both under the conversation's row lock.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        SYSTEM = "system", _("system message")

    class Status(models.TextChoices):
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        READ = "read", _("Read")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", db_index=False
    )  # no index: two unique constraints begin with it
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="messages", db_index=False
    )  # no index: accounts are anonymized, never deleted
    sealed_body = models.BinaryField()
    hidden_from = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )  # the other person of a direct chat, if they had blocked the sender; they never see it
    reply_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="replies", db_index=False
    )
    attachment_count = models.PositiveSmallIntegerField(db_default=0)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    given_reactions: list[Reaction]  # set by `messaging.related.load_related`

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="seqs_are_unique"),
            models.UniqueConstraint(fields=["conversation", "version"], name="versions_are_unique"),
            models.CheckConstraint(condition=Q(seq__gt=0), name="seqs_are_positive"),
        ]
        indexes = [
            models.Index(fields=["conversation", "created_at"], name="messages_by_time"),
            models.Index(
                fields=["conversation", "seq"],
                name="messages_with_attachments",
                condition=Q(attachment_count__gt=0),
            ),
            models.Index(
                fields=["reply_to"],
                name="replies_to_message",
                condition=Q(reply_to__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id} #{self.seq}"

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def is_system(self) -> bool:
        return self.kind == self.Kind.SYSTEM

    @cached_property
    def body(self) -> str:
        """The text that readers see. Empty if the message was deleted."""
        if self.is_deleted:
            return ""
        if self.text is None:
            return gettext("This message cannot be read.")
        return str(self.system_message) if self.is_system else self.text

    @cached_property
    def system_message(self) -> SystemMessage | None:
        """What a system message says. None for other messages and if it cannot be read."""
        if not self.is_system or self.text is None:
            return None
        return SystemMessage.decoded(self.text)

    @cached_property
    def text(self) -> str | None:
        """The decrypted text, or None if it cannot be read. Load the conversation beforehand."""
        try:
            text = encryption.opened(
                self.sealed_body, conversation=self.conversation, message_id=self.id
            )
            if self.is_system:
                SystemMessage.decoded(text)  # fails if `kind` was changed in the database
            return text
        except (encryption.CannotBeRead, ValueError):
            logger.error(
                "message %s of conversation %s cannot be read", self.id, self.conversation_id
            )
            return None

    @cached_property
    def attachments(self) -> list[Attachment]:
        """The attached files in order. `load_related` sets it for many messages."""
        if not self.attachment_count:
            return []
        attachments = list(Attachment.objects.filter(message=self).in_order())
        for attachment in attachments:
            attachment.message = self
        return attachments

    @property
    def searchable_text(self) -> str:
        """What search finds: the text, and the names of the attachments in lines after it."""
        return with_names(self.text or "", self.attachments)

    @property
    def excerpt(self) -> str:
        """The text that represents the message in previews: its text, or the names of its files."""
        return self.body or labels(self.attachments)

    @property
    def quoted(self) -> Message | None:
        """The message that this one replies to, unless a block hides it from its readers."""
        original = self.reply_to
        is_shown = original and original.hidden_from_id in (None, self.hidden_from_id)
        return original if is_shown else None

    @property
    def status(self) -> Status:
        """Whether all members have received or read it. The same for every viewer."""
        if self.hidden_from_id:
            return self.Status.SENT
        if self.seq <= self.conversation.read_seq:
            return self.Status.READ
        if self.seq <= self.conversation.delivered_seq:
            return self.Status.DELIVERED
        return self.Status.SENT


class Reaction(models.Model):
    """An emoji that one user gave to one message."""

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="reactions", db_index=False
    )  # no index: the unique constraint begins with it
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reactions")
    emoji = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=["message", "user", "emoji"], name="reactions_are_unique"
            )
        ]

    def __str__(self) -> str:
        return self.emoji


class RowKey(models.BigIntegerField):
    """A primary key. On SQLite it is the table's row id, which saves a separate index."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class PostingList(models.Model):
    """A posting list of the search index; see `messaging.search.postings`."""

    key = RowKey(primary_key=True)
    postings = models.BinaryField()

    def __str__(self) -> str:
        return str(self.key)
