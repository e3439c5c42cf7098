"""The encrypted content of a report: the reported messages as they were, and the comment.

Later edits and deletions do not change it. `reports` seals snapshots, `actions` opens them.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import override

from conversations.encryption import envelope
from conversations.models import Membership
from messaging import history
from messaging.models import Message
from messaging.moderation.models import Report

logger = logging.getLogger(__name__)

CONTEXT = 5  # messages on either side


@dataclass(frozen=True, slots=True)
class Line:
    """A message as its reporter saw it."""

    author: str
    username: str  # kept because the account may be anonymized later
    body: str
    created_at: datetime
    is_system: bool
    is_edited: bool
    is_deleted: bool
    is_reported: bool
    attachments: tuple[str, ...] = ()  # their kinds and names


@dataclass(frozen=True, slots=True)
class Content:
    """What a report contains. A report about a person has no lines."""

    comment: str = ""
    lines: tuple[Line, ...] = ()
    is_readable: bool = True


def lines_around(membership: Membership, message: Message) -> tuple[Line, ...]:
    """Return the message and its neighbours as far as this member can see them."""
    before = history.page_before(membership, message.seq, limit=CONTEXT).messages
    after = history.page_after(membership, message.seq, limit=CONTEXT).messages
    with override(settings.LANGUAGE_CODE):  # system messages, for all moderators
        return tuple(_line(each, reported=message) for each in (*before, message, *after))


def _line(message: Message, *, reported: Message) -> Line:
    return Line(
        author=message.sender.name if message.sender else "",
        username=message.sender.username if message.sender else "",
        body=message.body,
        created_at=message.created_at,
        is_system=message.is_system,
        is_edited=message.edited_at is not None,
        is_deleted=message.is_deleted,
        is_reported=message.id == reported.id,
        attachments=tuple(
            f"{attachment.get_kind_display()}: {attachment.name}"
            for attachment in message.attachments
        ),
    )


def seal(report: Report, content: Content) -> None:
    """Encrypt the content with the conversation's key and store it in the unsaved report."""
    assert report.conversation
    text = json.dumps(asdict(content), default=datetime.isoformat)
    report.sealed_content = envelope.sealed(
        text, conversation=report.conversation, message_id=report.id
    )


def opened(report: Report) -> Content:
    """Decrypt the content. If that fails, return a Content that is not readable."""
    if not report.conversation or not report.sealed_content:
        return Content()
    try:
        text = envelope.opened(
            report.sealed_content, conversation=report.conversation, message_id=report.id
        )
    except envelope.CannotBeRead:
        logger.error("report %s cannot be read", report.id)
        return Content(is_readable=False)
    fields = json.loads(text)
    return Content(fields["comment"], tuple(_decoded_line(line) for line in fields["lines"]))


def _decoded_line(fields: dict[str, Any]) -> Line:
    return Line(**fields | {"created_at": datetime.fromisoformat(fields["created_at"])})
