"""What members can do with attachments: upload them, and attach them to a message."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.errors import DomainError, NotFound
from chatflow.limits import policy as limits
from chatflow.limits.policy import limited
from conversations.encryption.envelope import sealed
from conversations.models import Membership
from messaging.attachments import files
from messaging.attachments.files import Variant
from messaging.attachments.images import write_image
from messaging.attachments.models import MAX_ATTACHMENTS, Attachment
from messaging.attachments.names import good_name
from messaging.attachments.quotas import require_room
from messaging.attachments.types import (
    HEADER_BYTES,
    IMAGES,
    KINDS,
    VOICE_TYPES,
    content_type_of,
)

UNUSED_FOR = timedelta(hours=24)
DELETED_AT_ONCE = 100


class BadFile(DomainError):
    code = "bad_file"


class FileTooLarge(DomainError):
    code = "file_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BadAttachments(DomainError):
    code = "bad_attachments"
    message = _("An attachment does not exist here or was already sent.")


@dataclass(frozen=True)
class Voice:
    """The client's description of a voice message that it recorded."""

    duration: float | None = None  # seconds
    waveform: list[int] | None = None


@limited(limits.ATTACHING)
def upload_attachment(
    *, membership: Membership, file: UploadedFile, name: str = "", voice: Voice | None = None
) -> Attachment:
    """Store a file that only its uploader sees until they send it. `voice` makes it a recording.

    Raises BadFile, BadImage, FileTooLarge, QuotaExceeded, DiskFull, KeyCannotBeRead, and NotFound
    for a former member.
    """
    _require_size(file)
    require_room(membership.user, file.size or 0)
    kind, content_type = _type_of(file, is_voice=voice is not None)
    attachment = Attachment(
        conversation=membership.conversation,
        uploader=membership.user,
        kind=kind,
        content_type=content_type,
        size=file.size or 0,
        duration=voice.duration if voice else None,
        waveform=voice.waveform if voice else None,
        path=files.new_path(),
    )
    attachment.sealed_name = sealed(
        good_name(name or file.name or ""),
        conversation=membership.conversation,
        message_id=attachment.id,
    )
    file.seek(0)
    try:
        if kind == Attachment.Kind.IMAGE:
            write_image(attachment, file)
        else:
            attachment.stored_size = files.write(attachment, Variant.ORIGINAL, file)
        _save(attachment, membership)
    except BaseException:
        files.delete([attachment.path])
        raise
    return attachment


@transaction.atomic
def _save(attachment: Attachment, membership: Membership) -> None:
    """Save the row, unless the uploader has left or the account was deleted in the meantime."""
    uploader = User.objects.reachable().locked().filter(id=membership.user_id)
    is_member = Membership.objects.active().filter(id=membership.id).exists()
    if not uploader or not is_member:
        raise NotFound
    require_room(membership.user, attachment.stored_size)  # again, under the lock
    attachment.save(force_insert=True)


def find_attachment(membership: Membership, attachment_id: uuid.UUID) -> Attachment:
    """Return an attachment that the member can see; raises NotFound."""
    visible = Attachment.objects.visible_to(membership)
    attachment = visible.select_related("message").filter(id=attachment_id).first()
    if attachment is None:
        raise NotFound
    attachment.conversation = membership.conversation
    if attachment.message:
        attachment.message.conversation = membership.conversation
    return attachment


def find_unused(membership: Membership, ids: Sequence[uuid.UUID]) -> list[Attachment]:
    """Return the member's unused uploads to the locked conversation, in this order.

    Raises BadAttachments if one is missing or listed twice, or if there are too many.
    """
    if not ids:
        return []
    if len(ids) > MAX_ATTACHMENTS:
        text = _("A message can have at most %(limit)s attachments.")
        raise BadAttachments(text % {"limit": MAX_ATTACHMENTS}, field="attachments")
    own = (
        Attachment.objects.unused()
        .select_for_update()
        .filter(id__in=ids, conversation=membership.conversation, uploader=membership.user)
    )
    found = {attachment.id: attachment for attachment in own}
    if len(found) < len(ids):
        raise BadAttachments(field="attachments")
    return [found[attachment_id] for attachment_id in ids]


@transaction.atomic
def delete_expired() -> int:
    """Delete some uploads that were not sent in time, and return how many."""
    expired = Attachment.objects.unused().uploaded_before(timezone.now() - UNUSED_FOR)
    some = list(expired.select_for_update().order_by("created_at")[:DELETED_AT_ONCE])
    delete_attachments(some)
    return len(some)


def delete_unused_of(user: User) -> None:
    """Delete the user's unsent uploads when the account is deleted."""
    delete_attachments(list(Attachment.objects.unused().filter(uploader=user)))


def delete_attachments(attachments: Sequence[Attachment]) -> None:
    """Delete the rows now and the files after the commit."""
    if not attachments:
        return
    paths = [attachment.path for attachment in attachments]
    Attachment.objects.filter(id__in=[attachment.id for attachment in attachments]).delete()
    transaction.on_commit(lambda: files.delete(paths))


def _require_size(file: UploadedFile) -> None:
    if not file.size:
        raise BadFile(_("The file is empty."), field="file")
    if file.size > settings.ATTACHMENT_MAX_BYTES:
        text = _("The file is larger than %(limit)s MB.")
        limit = settings.ATTACHMENT_MAX_BYTES // 1024**2
        raise FileTooLarge(text % {"limit": limit}, field="file")


def _type_of(file: UploadedFile, *, is_voice: bool) -> tuple[Attachment.Kind, str]:
    """Return the type of the content. Raises BadFile if a different one was declared."""
    declared = file.content_type or ""
    file.seek(0)
    content_type = content_type_of(file.read(HEADER_BYTES), declared=declared)
    if is_voice:
        if content_type not in VOICE_TYPES:
            raise BadFile(_("This file is not a voice message."), field="file")
        return Attachment.Kind.VOICE, VOICE_TYPES[content_type]
    if declared in IMAGES and content_type not in IMAGES:
        raise BadFile(_("This file is not a valid image."), field="file")
    return KINDS.get(content_type, Attachment.Kind.FILE), content_type
