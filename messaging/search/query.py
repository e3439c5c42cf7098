"""Parse a search: its words, its filters, and the conversations to scan."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.errors import DomainError, NotFound
from chatflow.text.tokenizer import Word, tokenize
from conversations.encryption.envelope import CannotBeRead
from conversations.models import Membership
from messaging.models import Message
from messaging.search.prefixes import Prefix, sender_prefix, word_prefix
from messaging.search.scan import PostingScan, SortKey

MAX_LENGTH = 200
MAX_LOOKUPS = 6  # prefixes looked up in the index; further words are only compared with the text


class NothingToFind(DomainError):
    code = "nothing_to_find"
    message = _("Enter a word to search for.")


class TooMuchToFind(DomainError):
    code = "too_much_to_find"
    message = _("A search can have at most 200 characters.")


@dataclass(frozen=True)
class Query:
    """What to search for: messages sent at `after` or later, and earlier than `before`."""

    text: str
    conversation: uuid.UUID | None = None
    sender: str = ""
    after: datetime | None = None
    before: datetime | None = None

    def words(self) -> list[Word]:
        """Return the different words. Raises NothingToFind and TooMuchToFind."""
        if len(self.text) > MAX_LENGTH:
            raise TooMuchToFind(field="q")
        words = {(word.kind, word.text): word for word in tokenize(self.text)}
        if not words:
            raise NothingToFind(field="q")
        return list(words.values())

    def includes_time_of(self, message: Message) -> bool:
        is_late_enough = self.after is None or message.created_at >= self.after
        return is_late_enough and (self.before is None or message.created_at < self.before)


def prefixes_of_query(query: Query, words: Sequence[Word]) -> list[Prefix]:
    """Return the prefixes to look up, or none if the sender does not exist.

    The longest words come first because they match the fewest messages.
    """
    longest = sorted(words, key=lambda word: len(word.text), reverse=True)
    prefixes = list(dict.fromkeys(word_prefix(word) for word in longest))[:MAX_LOOKUPS]
    if not query.sender:
        return prefixes
    sender = User.objects.named(query.sender).first()
    return [*prefixes, sender_prefix(sender.id)] if sender else []


def scans_of_query(user: User, query: Query, end: SortKey | None) -> list[PostingScan]:
    """Return a scan for each conversation of the user with messages below `end`.

    Raises NotFound if the query names a conversation that the user is not in.
    """
    memberships = _memberships(user, query, end)
    if query.conversation and not memberships:
        raise NotFound
    return [scan for membership in memberships if (scan := _scan(membership, end))]


def _memberships(user: User, query: Query, end: SortKey | None) -> list[Membership]:
    """Annotate memberships with the bounds of the scan: `last_seq`, `last_at`, `earlier_seq`."""
    is_in_time = Q(created_at__lt=query.before) if query.before else Q()
    if end:
        # Among messages sent at the same time, those of conversations with greater ids come first.
        is_shown = Q(created_at=end.at, conversation_id__gt=end.conversation)
        is_in_time &= Q(created_at__lte=end.at) & ~is_shown
    messages = Message.objects.filter(conversation=OuterRef("conversation"))
    newest_first = messages.newest_first()
    last = newest_first.filter(is_in_time) if is_in_time else messages.order_by("-seq")
    bounds = {"last_seq": last.values("seq")[:1], "last_at": last.values("created_at")[:1]}
    if query.after:
        bounds["earlier_seq"] = newest_first.filter(created_at__lt=query.after).values("seq")[:1]
    memberships = Membership.objects.active().of(user)
    if query.conversation:
        memberships = memberships.in_conversation(query.conversation)
    annotated = memberships.annotate(**{name: Subquery(bound) for name, bound in bounds.items()})
    return list(annotated.with_key())


def _scan(membership: Membership, end: SortKey | None) -> PostingScan | None:
    """Return None if there is nothing to search or the conversation's key cannot be read."""
    above = max(membership.since_seq, getattr(membership, "earlier_seq", 0) or 0)
    last_seq, last_at = membership.last_seq, membership.last_at  # type: ignore[attr-defined]
    if end and membership.conversation_id == end.conversation:
        last_seq, last_at = min(end.seq - 1, membership.conversation.last_seq), end.at
    if not last_seq or last_seq <= above:
        return None
    try:
        return PostingScan(membership, above=above, below=last_seq + 1, newest_possible=last_at)
    except CannotBeRead:
        return None
