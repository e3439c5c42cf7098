"""Queries for attachments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:  # messaging.attachments.models imports this module
    from conversations.models import Membership
    from messaging.attachments.models import Attachment  # noqa: F401 (named by the base)


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, membership: Membership) -> AttachmentQuerySet:
        """Return those of messages that the member sees, and the member's own unused ones."""
        is_own = Q(message=None, uploader=membership.user_id)
        is_seen = Q(message__seq__gt=membership.since_seq) & ~Q(
            message__hidden_from=membership.user_id
        )
        return self.filter(is_own | is_seen, conversation=membership.conversation_id)

    def unused(self) -> AttachmentQuerySet:
        return self.filter(message=None)

    def uploaded_before(self, moment: datetime) -> AttachmentQuerySet:
        return self.filter(created_at__lt=moment)

    def in_order(self) -> AttachmentQuerySet:
        return self.order_by("message", "position")
