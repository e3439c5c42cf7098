"""Limits on the disk space of attachments: of each person, and of all together."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.errors import DomainError
from chatflow.operations import metrics
from messaging.attachments.models import Attachment
from messaging.attachments.querysets import AttachmentQuerySet

TOTAL = "attachments.total_bytes"
TOTAL_SECONDS = 60  # how long the total is cached, because it reads all rows


class QuotaExceeded(DomainError):
    code = "quota_exceeded"
    status = HTTPStatus.INSUFFICIENT_STORAGE


def require_room(uploader: User, size: int) -> None:
    """Raise QuotaExceeded if there is no room for a file of this size."""
    quota = settings.ATTACHMENT_QUOTA_BYTES
    if stored_bytes(Attachment.objects.filter(uploader=uploader)) + size > quota:
        text = _("Your files take more than %(limit)s MB. Delete messages with files you sent.")
        raise QuotaExceeded(text % {"limit": quota // 1024**2})
    if total_bytes() + size > settings.ATTACHMENT_TOTAL_BYTES:
        raise QuotaExceeded(_("This server has no more room for files."))


def total_bytes() -> int:
    """Return the disk space that all attachments take. The number may be a minute old."""
    total: int | None = cache.get(TOTAL)
    if total is None:
        total = stored_bytes(Attachment.objects.all())
        cache.set(TOTAL, total, TOTAL_SECONDS)
        metrics.attachment_bytes.set(total)
    return total


def stored_bytes(attachments: AttachmentQuerySet) -> int:
    return attachments.aggregate(total=Sum("stored_size"))["total"] or 0
