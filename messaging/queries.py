"""What is searched for, and where: queries, cursors, and the conversations that one may search."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.cursors import BadCursor, packed, unpacked
from chatflow.errors import DomainError, NotFound
from conversations.encryption import CannotBeRead
from conversations.models import Membership
from messaging.models import Message
from messaging.stems import Stem, stem_of, stem_of_sender
from messaging.walks import Walk
from messaging.words import Word, words_of

LONGEST_TEXT = 200
MOST_STEMS = 6  # asked of the index; the text decides about the other words


class NothingToFind(DomainError):
    code = "nothing_to_find"
    message = _("Type a word to search for.")


class TooMuchToFind(DomainError):
    code = "too_much_to_find"
    message = _("Search for 200 characters at most.")


@dataclass(frozen=True)
class Query:
    """What is searched for; `after` is the first moment, `before` the first too late."""

    text: str
    conversation: uuid.UUID | None = None
    sender: str = ""
    after: datetime | None = None
    before: datetime | None = None

    def covers(self, message: Message) -> bool:
        is_late_enough = self.after is None or message.created_at >= self.after
        return is_late_enough and (self.before is None or message.created_at < self.before)


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands among all that one may see."""

    at: datetime
    conversation: uuid.UUID
    seq: int

    @property
    def cursor(self) -> str:
        return packed(self.at, self.conversation, self.seq)


def words_of_query(query: Query) -> list[Word]:
    if len(query.text) > LONGEST_TEXT:
        raise TooMuchToFind(field="q")
    words = {(word.kind, word.text): word for word in words_of(query.text)}
    if not words:
        raise NothingToFind(field="q")
    return list(words.values())


def stems_of_query(query: Query, words: Sequence[Word]) -> list[Stem]:
    """Of the longest words, which narrow down most, and of the sender; none if that is nobody."""
    longest = sorted(words, key=lambda word: len(word.text), reverse=True)
    stems = list(dict.fromkeys(stem_of(word) for word in longest))[:MOST_STEMS]
    if not query.sender:
        return stems
    sender = User.objects.named(query.sender).first()
    return [*stems, stem_of_sender(sender.id)] if sender else []


def end_of(cursor: str) -> Place | None:
    """Where the page before ended."""
    if not cursor:
        return None
    at, conversation, numbers = unpacked(cursor)
    if len(numbers) != 1:
        raise BadCursor
    return Place(at, conversation, numbers[0])


# --- where ---------------------------------------------------------------------------------------


def walks_of(user: User, query: Query, end: Place | None) -> list[Walk]:
    memberships = _memberships(user, query, end)
    if query.conversation and not memberships:
        raise NotFound
    walks = (_walk(membership, end) for membership in memberships)
    return [walk for walk in walks if walk and walk.reach]


def _memberships(user: User, query: Query, end: Place | None) -> list[Membership]:
    """With where the time that is searched begins and ends in each of them."""
    within = Q(created_at__lt=query.before) if query.before else Q()
    if end:  # at its very moment, the conversations before it have shown all they have
        shown = Q(created_at=end.at, conversation_id__gt=end.conversation)
        within &= Q(created_at__lte=end.at) & ~shown
    in_time = Message.objects.filter(conversation=OuterRef("conversation")).newest_first()
    last = in_time.filter(within) if within else in_time.order_by("-seq")
    ends = {"last_seq": last.values("seq")[:1], "last_at": last.values("created_at")[:1]}
    if query.after:
        ends["earlier_seq"] = in_time.filter(created_at__lt=query.after).values("seq")[:1]
    memberships = Membership.objects.active().of(user)
    if query.conversation:
        memberships = memberships.in_conversation(query.conversation)
    found = memberships.annotate(**{name: Subquery(end) for name, end in ends.items()})
    return list(found.with_key())


def _walk(membership: Membership, end: Place | None) -> Walk | None:
    """None where nothing is that could be read."""
    above = max(membership.since_seq, getattr(membership, "earlier_seq", 0) or 0)
    last_seq, last_at = membership.last_seq, membership.last_at  # type: ignore[attr-defined]
    if end and membership.conversation_id == end.conversation:
        last_seq, last_at = min(end.seq - 1, membership.conversation.last_seq), end.at
    if not last_seq or last_seq <= above:
        return None
    try:
        return Walk(membership, above=above, below=last_seq + 1, horizon=last_at)
    except CannotBeRead:
        return None
