"""Reading and extending a conversation's history; the counters are given out here and only here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from chatflow import metrics
from chatflow.errors import NotFound
from conversations.encryption import KeyCannotBeRead, sealed
from conversations.models import Conversation, Membership
from messaging.models import Message
from messaging.querysets import MessageQuerySet

PAGE = 50
LONGEST_PAGE = 100


@dataclass(frozen=True)
class Page:
    """A stretch of history, ascending by seq, and whether there is more on either side."""

    messages: list[Message]
    start: int  # seqs that the pages beside this one are asked for by, also when it is empty
    end: int
    has_before: bool
    has_after: bool


@dataclass(frozen=True)
class Changes:
    """Messages by version; `version` is where the asker stands once these are applied."""

    messages: list[Message]
    version: int
    more: bool


# --- writing, under the conversation's lock ------------------------------------------------------


def append(
    conversation: Conversation, *, message_id: uuid.UUID, body: str, **fields: Any
) -> Message:
    """The row lock orders concurrent writers, so seq has no gaps and no ties."""
    now = timezone.now()
    sealed_body = _sealed(body, conversation, message_id, kind=fields.get("kind"))
    conversation.last_seq += 1
    conversation.version += 1
    if not fields.get("hidden_from_id"):
        conversation.active_at = now
    message = Message.objects.create(
        id=message_id,
        conversation=conversation,
        seq=conversation.last_seq,
        version=conversation.version,
        sealed_body=sealed_body,
        created_at=now,
        **fields,
    )
    conversation.save(update_fields=["last_seq", "version", "active_at"])
    message.given_reactions = []
    return message


def stamp(message: Message, *fields: str) -> None:
    """Saves the fields as the conversation's next version, so that `changes` finds it."""
    conversation = message.conversation
    conversation.version += 1
    message.version = conversation.version
    conversation.save(update_fields=["version"])
    message.save(update_fields=["version", *fields])


def _sealed(
    body: str, conversation: Conversation, message_id: uuid.UUID, *, kind: str | None
) -> bytes:
    """Raises KeyCannotBeRead, but not for a notice: whoever wants to leave must be able to."""
    try:
        return sealed(body, conversation=conversation, message_id=message_id)
    except KeyCannotBeRead:
        if kind != Message.Kind.SYSTEM:
            raise
        return b""


def lock_message(message_id: uuid.UUID) -> Message:
    """The message under its conversation's lock, for who may act without being a member."""
    message = Message.objects.only("conversation").filter(id=message_id).first()
    if message is None:
        raise NotFound
    message.conversation = Conversation.objects.locked().get(id=message.conversation_id)
    return reread(message)


def reread(message: Message) -> Message:
    """As it stands now, with everything that is shown of it."""
    return adopt(message.conversation, [Message.objects.for_display().get(id=message.id)])[0]


# --- reading -------------------------------------------------------------------------------------


def page_of(membership: Membership, *, limit: int = PAGE, **position: int) -> Page:
    """The page before, after or around a seq; the newest one without a position."""
    for direction, seq in position.items():
        return DIRECTIONS[direction](membership, seq, limit=limit)
    return newest(membership, limit=limit)


def newest(membership: Membership, *, limit: int = PAGE) -> Page:
    found = _last(_visible(membership), limit)
    return _page(membership, found, is_first=len(found) < limit, is_last=True)


def before(membership: Membership, seq: int, *, limit: int = PAGE) -> Page:
    found = _last(_visible(membership).before(seq), limit)
    return _page(membership, found, at=seq - 1, is_first=len(found) < limit)


def after(membership: Membership, seq: int, *, limit: int = PAGE) -> Page:
    found = _first(_visible(membership).after(seq), limit)
    return _page(membership, found, at=seq, is_last=len(found) < limit)


def around(membership: Membership, seq: int, *, limit: int = PAGE) -> Page:
    """The message in the middle, or where it would stand, with its neighbours on both sides."""
    visible = _visible(membership)
    older = _last(visible.before(seq), limit // 2)
    newer = _first(visible.after(seq - 1), limit - len(older))
    return _page(
        membership,
        older + newer,
        at=seq - 1,
        is_first=len(older) < limit // 2,
        is_last=len(newer) < limit - len(older),
    )


DIRECTIONS: dict[str, Callable[..., Page]] = {"before": before, "after": after, "around": around}


def changes(membership: Membership, since: int, *, limit: int = LONGEST_PAGE) -> Changes:
    """What was created, edited, deleted or reacted to after version `since`, oldest change first.

    A `since` beyond the conversation's version comes from before a restored backup: nothing is
    listed, and the answered version tells the client to start afresh.
    """
    metrics.catch_ups.inc()
    conversation = membership.conversation
    found = list(_visible(membership).changed_since(since)[: limit + 1])
    listed, more = found[:limit], len(found) > limit
    # The version of this snapshot: a message that was committed after the membership was read is
    # listed already, and one that comes after this query has a version above what is answered.
    version = max([conversation.version, *(message.version for message in listed)])
    return Changes(adopt(conversation, listed), listed[-1].version if more else version, more)


def find_message(membership: Membership, message_id: uuid.UUID) -> Message:
    message = _visible(membership).filter(id=message_id).first()
    if message is None:
        raise NotFound
    return adopt(membership.conversation, [message])[0]


def attach_last_messages(memberships: list[Membership]) -> list[Membership]:
    """Gives each membership its `last_message`, all of them in one query."""
    conversations = {
        membership.conversation_id: membership.conversation for membership in memberships
    }
    newest_ones = Message.objects.newest_of(conversations.values()).for_display()
    by_conversation = {message.conversation_id: message for message in newest_ones}
    for membership in memberships:
        last = by_conversation.get(membership.conversation_id)
        if last and last.hidden_from_id == membership.user_id:  # rare: one query for each of these
            last = _visible(membership).order_by("-seq").first()
        adopt(membership.conversation, [last] if last else [])
        membership.last_message = last  # type: ignore[attr-defined]
    return memberships


def _visible(membership: Membership) -> MessageQuerySet:
    return Message.objects.seen_by(membership).for_display()


def _last(messages: MessageQuerySet, limit: int) -> list[Message]:
    return list(messages.order_by("-seq")[:limit])[::-1]


def _first(messages: MessageQuerySet, limit: int) -> list[Message]:
    return list(messages.order_by("seq")[:limit])


def _page(
    membership: Membership,
    messages: list[Message],
    *,
    at: int = 0,
    is_first: bool = False,
    is_last: bool = False,
) -> Page:
    """What lies on either side is arithmetic and not a query, because seq has no gaps; but when a
    page could not be filled, there is only what a block keeps from its reader.

    A page without messages lies between `at` and the next one.
    """
    conversation = membership.conversation
    start = messages[0].seq if messages else at + 1
    end = messages[-1].seq if messages else at
    is_begun = conversation.last_seq > membership.since_seq
    return Page(
        adopt(conversation, messages),
        start,
        end,
        has_before=not is_first and is_begun and start > membership.since_seq + 1,
        has_after=not is_last and end < conversation.last_seq,
    )


def adopt(conversation: Conversation, messages: list[Message]) -> list[Message]:
    for message in messages:
        message.conversation = conversation
        if message.reply_to:
            message.reply_to.conversation = conversation
    return messages
