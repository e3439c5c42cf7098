"""The attachments of a conversation that a member can see, newest first, by month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from django.utils import timezone

from conversations.models import Membership
from messaging.attachments.models import Attachment
from messaging.history import END
from messaging.models import Message
from messaging.related import load_related

PAGE_SIZE = 40  # messages, with up to ten attachments each


@dataclass(frozen=True)
class MediaPage:
    months: list[tuple[date, list[Attachment]]]  # each with its first day
    next: int | None  # the `before` of the next page


def list_media(membership: Membership, *, before: int | None = None) -> MediaPage:
    """Return the attachments of the newest messages that have some, before this `seq`."""
    having = Message.objects.visible_to(membership).with_attachments()
    found = list(having.before(END if before is None else before).order_by("-seq")[: PAGE_SIZE + 1])
    messages = found[:PAGE_SIZE]
    for message in messages:
        message.conversation = membership.conversation
    load_related(messages)
    is_last = len(found) <= PAGE_SIZE
    return MediaPage(_by_month(messages), None if is_last else messages[-1].seq)


def _by_month(messages: Iterable[Message]) -> list[tuple[date, list[Attachment]]]:
    return [
        (month, [attachment for message in group for attachment in message.attachments])
        for month, group in groupby(messages, key=_month_of)
    ]


def _month_of(message: Message) -> date:
    return timezone.localtime(message.created_at).date().replace(day=1)
