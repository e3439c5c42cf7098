"""Read and extend a conversation's history.

`seq` and `version` numbers are assigned here and nowhere else, under the conversation's row lock.
Reading starts from a membership, which limits what its member can see.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import (
    BigIntegerField,
    DateTimeField,
    Field,
    UUIDField,
)
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chatflow.api.cursors import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from chatflow.db.prepared import ListOf, PreparedQuery, PreparedUpdate
from chatflow.errors import DomainError, NotFound
from chatflow.operations import metrics
from conversations.encryption.envelope import KeyCannotBeRead, sealed
from conversations.models import Conversation, Membership
from messaging.models import Attachment, Message
from messaging.querysets import MessageQuerySet
from messaging.related import load_related

END = 2**62  # higher than every `seq`
_newest_messages = PreparedQuery(
    lambda conversation_ids: Message.objects.newest_of(conversation_ids),
    conversation_ids=ListOf(UUIDField()),
)
_VIEW: dict[str, Field[Any, Any]] = {
    "conversation_id": UUIDField(),
    "user_id": UUIDField(),
    "since_seq": BigIntegerField(),
}  # the parameters of `MessageQuerySet.in_view`


class AmbiguousPosition(DomainError):
    code = "bad_parameter"
    message = _("Use only one of before, after and around.")


@dataclass(frozen=True)
class Page:
    """Consecutive visible messages, ascending by `seq`."""

    membership: Membership
    messages: list[Message]
    position: int = 0  # an empty page lies between this `seq` and the next one
    is_first: bool = False  # the member sees nothing before it
    is_last: bool = False  # the member sees nothing after it

    @property
    def start(self) -> int:
        """The `seq` of the first message, before which the previous page ends."""
        return self.messages[0].seq if self.messages else self.position + 1

    @property
    def end(self) -> int:
        """The `seq` of the last message, after which the next page begins."""
        return self.messages[-1].seq if self.messages else self.position

    @property
    def has_before(self) -> bool:
        """Whether there are earlier messages. A block may hide all of them.

        This needs no query, because `seq` has no gaps.
        """
        last_before = min(self.start - 1, self.membership.conversation.last_seq)
        return not self.is_first and last_before > self.membership.since_seq

    @property
    def has_after(self) -> bool:
        return not self.is_last and self.end < self.membership.conversation.last_seq


@dataclass(frozen=True)
class Changes:
    """Changed messages, ascending by version. A client that applies them has reached `version`."""

    messages: list[Message]
    version: int
    more: bool


# --- writing, under the conversation's lock ------------------------------------------------------


_save_counters = PreparedUpdate(
    lambda conversation_id, **_counters: Conversation.objects.filter(id=conversation_id),
    lambda conversation_id, **counters: counters,
    conversation_id=UUIDField(),
    last_seq=BigIntegerField(),
    version=BigIntegerField(),
    active_at=DateTimeField(),
)


def append(
    conversation: Conversation,
    *,
    message_id: uuid.UUID,
    body: str,
    attachment_count: int = 0,
    **fields: Any,
) -> Message:
    """Store a message with the next `seq` and `version`. The conversation must be locked.

    Raises KeyCannotBeRead, except for system messages.
    """
    now = timezone.now()
    sealed_body = _seal(body, conversation, message_id, kind=fields.get("kind"))
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
        attachment_count=attachment_count,
        created_at=now,
        **fields,
    )
    _save_counters.run(
        conversation_id=conversation.id,
        last_seq=conversation.last_seq,
        version=conversation.version,
        active_at=conversation.active_at,
    )
    message.given_reactions = []
    return message


def attach(message: Message, attachments: list[Attachment]) -> None:
    """Give a new message its attachments. The conversation must be locked."""
    for position, attachment in enumerate(attachments):
        attachment.message, attachment.position = message, position
    Attachment.objects.bulk_update(attachments, ["message", "position"])
    message.attachments = attachments


def _seal(
    body: str, conversation: Conversation, message_id: uuid.UUID, *, kind: str | None
) -> bytes:
    """Encrypt the body. A system message is stored empty if the key cannot be read.

    Otherwise nobody could leave a conversation whose key is lost.
    """
    try:
        return sealed(body, conversation=conversation, message_id=message_id)
    except KeyCannotBeRead:
        if kind != Message.Kind.SYSTEM:
            raise
        return b""


def bump_version(message: Message, *fields: str) -> None:
    """Save these fields as the conversation's next version, so that `changes` returns the message.

    The conversation must be locked.
    """
    conversation = message.conversation
    conversation.version += 1
    message.version = conversation.version
    conversation.save(update_fields=["version"])
    message.save(update_fields=["version", *fields])


def lock_message(message_id: uuid.UUID) -> Message:
    """Lock a message's conversation and return the message. For callers without a membership."""
    message = Message.objects.only("conversation").filter(id=message_id).first()
    if message is None:
        raise NotFound
    message.conversation = Conversation.objects.locked().get(id=message.conversation_id)
    return reload_message(message)


def reload_message(message: Message) -> Message:
    """Return the message as it is stored now, with everything that is displayed with it."""
    stored = Message.objects.with_sender().get(id=message.id)
    return _completed(message.conversation, [stored])[0]


# --- reading -------------------------------------------------------------------------------------


def find_page(
    membership: Membership,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int = DEFAULT_PAGE_SIZE,
) -> Page:
    """Return the page at one of the positions, or the newest page without a position.

    Raises AmbiguousPosition for more than one.
    """
    if [before, after, around].count(None) < 2:
        raise AmbiguousPosition
    if before is not None:
        return page_before(membership, before, limit=limit)
    if after is not None:
        return page_after(membership, after, limit=limit)
    if around is not None:
        return page_around(membership, around, limit=limit)
    return newest_page(membership, limit=limit)


def newest_page(membership: Membership, *, limit: int = DEFAULT_PAGE_SIZE) -> Page:
    messages = _last(membership, END, limit)
    return Page(membership, messages, is_first=len(messages) < limit, is_last=True)


def page_before(membership: Membership, seq: int, *, limit: int = DEFAULT_PAGE_SIZE) -> Page:
    messages = _last(membership, seq, limit)
    return Page(membership, messages, position=seq - 1, is_first=len(messages) < limit)


def page_after(membership: Membership, seq: int, *, limit: int = DEFAULT_PAGE_SIZE) -> Page:
    messages = _first(membership, seq, limit)
    return Page(membership, messages, position=seq, is_last=len(messages) < limit)


def page_around(membership: Membership, seq: int, *, limit: int = DEFAULT_PAGE_SIZE) -> Page:
    """Return the message with its neighbours, or the neighbours of a message that is not there."""
    older = _last(membership, seq, limit // 2)
    room = limit - len(older)
    newer = _first(membership, seq - 1, room)
    return Page(
        membership,
        older + newer,
        position=seq - 1,
        is_first=len(older) < limit // 2,
        is_last=len(newer) < room,
    )


def changes(membership: Membership, since: int, *, limit: int = MAX_PAGE_SIZE) -> Changes:
    """Return the messages created, edited, deleted or reacted to after version `since`.

    A `since` above the conversation's version dates from before a backup was restored. Nothing is
    listed then, and the returned version tells the client to start again.
    """
    metrics.catch_ups.inc()
    conversation = membership.conversation
    found = _messages_changed(limit + 1).all(since=since, **_view_of(membership))
    listed = _completed(conversation, found[:limit])
    if len(found) > limit:
        return Changes(listed, version=listed[-1].version, more=True)
    # The membership was read before the messages. A message that was committed in between is
    # listed, so its version has been reached as well.
    version = max([conversation.version, *(message.version for message in listed)])
    return Changes(listed, version=version, more=False)


def find_message(membership: Membership, message_id: uuid.UUID) -> Message:
    """Return a message that the member can see; raises NotFound."""
    message = _visible(membership).filter(id=message_id).first()
    if message is None:
        raise NotFound
    return _completed(membership.conversation, [message])[0]


def attach_last_messages(memberships: list[Membership]) -> list[Membership]:
    """Set `last_message` of each membership, with a few queries for all of them.

    A membership whose last message is hidden from its member takes one more query.
    """
    messages = _newest_messages.all(conversation_ids={each.conversation_id for each in memberships})
    by_conversation = {message.conversation_id: message for message in messages}
    shown: list[Message] = []
    for membership in memberships:
        last = by_conversation.get(membership.conversation_id)
        if last and not _can_see(membership, last):
            last = _visible(membership).order_by("-seq").first()
        membership.last_message = last  # type: ignore[attr-defined]
        if last:
            Message.conversation.field.set_cached_value(last, membership.conversation)
            shown.append(last)
    load_related(shown)
    return memberships


def _can_see(membership: Membership, message: Message) -> bool:
    """Return whether the member can see a loaded message. `visible_to` is the same in SQL."""
    is_hidden = message.hidden_from_id == membership.user_id
    return message.seq > membership.since_seq and not is_hidden


def _visible(membership: Membership) -> MessageQuerySet:
    return Message.objects.visible_to(membership).with_sender()


def _last(membership: Membership, before: int, limit: int) -> list[Message]:
    """Return the newest visible messages with a lower `seq`, ascending."""
    query = _messages_before(limit)
    newest_first = query.all(before=before, **_view_of(membership))
    return _completed(membership.conversation, newest_first[::-1])


def _first(membership: Membership, after: int, limit: int) -> list[Message]:
    """Return the oldest visible messages with a higher `seq`, ascending."""
    since_seq = max(after, membership.since_seq)
    query = _messages_after(limit)
    messages = query.all(**_view_of(membership) | {"since_seq": since_seq})
    return _completed(membership.conversation, messages)


def _view_of(membership: Membership) -> dict[str, Any]:
    return {
        "conversation_id": membership.conversation_id,
        "user_id": membership.user_id,
        "since_seq": membership.since_seq,
    }


def _completed(conversation: Conversation, messages: list[Message]) -> list[Message]:
    """Return the messages with everything that is displayed with them."""
    for message in messages:
        Message.conversation.field.set_cached_value(message, conversation)
    load_related(messages)
    return messages


@cache
def _messages_before(limit: int) -> PreparedQuery[Message]:
    return PreparedQuery(
        lambda before, **view: (
            Message.objects.in_view(**view).before(before).order_by("-seq")[:limit]
        ),
        before=BigIntegerField(),
        **_VIEW,
    )


@cache
def _messages_after(limit: int) -> PreparedQuery[Message]:
    return PreparedQuery(
        lambda **view: Message.objects.in_view(**view).order_by("seq")[:limit], **_VIEW
    )


@cache
def _messages_changed(limit: int) -> PreparedQuery[Message]:
    return PreparedQuery(
        lambda since, **view: (
            Message.objects.in_view(**view).changed_since(since).with_sender()[:limit]
        ),
        since=BigIntegerField(),
        **_VIEW,
    )
