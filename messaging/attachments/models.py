"""Attachments: the rows that describe uploaded files."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chatflow.identifiers import uuid7
from conversations.encryption import envelope as encryption
from messaging.attachments.querysets import AttachmentQuerySet

logger = logging.getLogger(__name__)

MAX_ATTACHMENTS = 10  # of one message
MAX_NAME_LENGTH = 255  # characters


class Attachment(models.Model):
    """An uploaded file. It belongs to no message, and only its uploader sees it, until it is sent.

    The bytes are in the storage under `path`, encrypted; see `messaging.attachments.files`.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", _("Photo")
        VIDEO = "video", _("Video")
        AUDIO = "audio", _("Audio")
        VOICE = "voice", _("Voice message")
        FILE = "file", _("File")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    conversation = models.ForeignKey(
        "conversations.Conversation", models.CASCADE, related_name="+", db_index=False
    )  # no index: a message finds its attachments, an uploader the unused ones
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    message = models.ForeignKey(
        "messaging.Message", models.CASCADE, null=True, related_name="+", db_index=False
    )  # no index: the unique constraint begins with it
    position = models.PositiveSmallIntegerField(default=0)  # among the message's attachments
    kind = models.CharField(max_length=5, choices=Kind.choices)
    sealed_name = models.BinaryField()  # encrypted like a message, with the id as message id
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()  # bytes of the file
    stored_size = models.PositiveBigIntegerField()  # bytes on the disk, with the smaller versions
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration = models.FloatField(null=True)  # seconds
    waveform = models.JSONField(null=True)  # loudness from 0 to 100, in equal steps
    path = models.CharField(max_length=100, unique=True)  # random
    has_thumbnail = models.BooleanField(default=False)
    has_preview = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "position"],
                condition=Q(message__isnull=False),
                name="positions_in_a_message_are_unique",
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"], name="unused_attachments", condition=Q(message=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id}"

    @cached_property
    def name(self) -> str:
        """The file's name, or an empty text if it cannot be read."""
        conversation = self.message.conversation if self.message else self.conversation
        try:
            return encryption.opened(
                self.sealed_name, conversation=conversation, message_id=self.id
            )
        except encryption.CannotBeRead:
            logger.error("the name of attachment %s cannot be read", self.id)
            return ""

    @property
    def label(self) -> str:
        """The text that represents the attachment in previews: its kind, or the name of a file."""
        return self.name if self.is_shown_by_name else str(self.get_kind_display())

    @property
    def is_shown_by_name(self) -> bool:
        return self.kind in (self.Kind.FILE, self.Kind.AUDIO) and self.name != ""


def counted(attachments: Iterable[Attachment]) -> list[tuple[Attachment, int]]:
    """Return the first attachment with each label, and how many attachments have that label."""
    labelled: dict[str, list[Attachment]] = {}
    for attachment in attachments:
        labelled.setdefault(attachment.label, []).append(attachment)
    return [(same[0], len(same)) for same in labelled.values()]


def labels(attachments: Iterable[Attachment]) -> str:
    """Return what represents attachments in previews, such as “Photo (3), notes.txt”."""
    return ", ".join(
        f"{attachment.label} ({count})" if count > 1 else attachment.label
        for attachment, count in counted(attachments)
    )


def with_names(text: str, attachments: Iterable[Attachment]) -> str:
    """Return a message's text followed by the names of its attachments, for the search."""
    return "\n".join([text, *(attachment.name for attachment in attachments)])
