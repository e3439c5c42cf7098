"""What a report keeps for moderators, sealed: the words as they stood, and the reporter's comment.

Editing and deleting do not reach it. `messaging.reports` seals it, `messaging.moderation` opens it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import override

from conversations import encryption
from conversations.models import Membership
from messaging import history
from messaging.models import Message, Report

logger = logging.getLogger(__name__)

CONTEXT = 5  # messages on either side


@dataclass(frozen=True, slots=True)
class Line:
    """A message as its reporter saw it."""

    author: str
    username: str  # the account may be emptied later
    body: str
    created_at: datetime
    is_notice: bool
    is_edited: bool
    is_deleted: bool
    is_reported: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What a report says; without lines when it is about a person."""

    comment: str = ""
    lines: tuple[Line, ...] = ()
    is_readable: bool = True


def lines_around(membership: Membership, message: Message) -> tuple[Line, ...]:
    """The message among its neighbours, as far as this member sees them."""
    before = history.before(membership, message.seq, limit=CONTEXT).messages
    after = history.after(membership, message.seq, limit=CONTEXT).messages
    with override(settings.LANGUAGE_CODE):  # notices, for whoever will read them
        return tuple(_line(one, reported=message) for one in (*before, message, *after))


def _line(message: Message, *, reported: Message) -> Line:
    return Line(
        author=message.sender.name if message.sender else "",
        username=message.sender.username if message.sender else "",
        body=message.body,
        created_at=message.created_at,
        is_notice=message.is_notice,
        is_edited=message.edited_at is not None,
        is_deleted=message.is_deleted,
        is_reported=message.id == reported.id,
    )


def seal(report: Report, content: Content) -> None:
    """Into the report, bound to its id."""
    assert report.conversation
    text = json.dumps(asdict(content), default=datetime.isoformat)
    report.sealed_content = encryption.sealed(
        text, conversation=report.conversation, message_id=report.id
    )


def opened(report: Report) -> Content:
    """Needs the conversation to be loaded. What cannot be read says so and breaks nothing."""
    if not report.conversation or not report.sealed_content:
        return Content()
    try:
        text = encryption.opened(
            report.sealed_content, conversation=report.conversation, message_id=report.id
        )
    except encryption.CannotBeRead:
        logger.error("report %s cannot be read", report.id)
        return Content(is_readable=False)
    kept = json.loads(text)
    return Content(kept["comment"], tuple(_kept_line(line) for line in kept["lines"]))


def _kept_line(line: dict[str, Any]) -> Line:
    return Line(**line | {"created_at": datetime.fromisoformat(line["created_at"])})
