"""Finding messages by what is said in them; every interface calls this.

Conversations are walked from their newest message back, at first the most promising one alone: the
index names candidates, their decrypted text decides, and a page is full when no conversation that
is still open can have anything newer. What is asked of the database, and of how many conversations,
widens with each step, and ends at a bound: a page may come back short, with a cursor to go on from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from operator import attrgetter

from accounts.models import User
from chatflow import limits
from chatflow.limits import limited
from conversations.models import Membership
from messaging.history import adopt
from messaging.models import Message
from messaging.queries import Place, Query, end_of, stems_of_query, walks_of, words_of_query
from messaging.querysets import complete
from messaging.stems import Stem
from messaging.walks import Walk, find_seqs, narrow, take_messages
from messaging.words import Span, Word, spans_of

PAGE = 20
WIDENING = 6  # a step that was not enough is followed by one of six times the size
FIRST_ROWS = 16
MOST_WALKS_A_STEP = 400  # each is a condition, and SQLite takes a thousand of them
MOST_ROWS_A_STEP = 4096
MOST_ROWS = 20_000  # of the index, for a page
MOST_MESSAGES = 1000  # decrypted, for a page


@dataclass(frozen=True)
class Found:
    message: Message
    membership: Membership
    spans: list[Span]


@dataclass(frozen=True)
class FoundPage:
    results: list[Found]
    next: str | None


@limited(limits.SEARCH)
def search(*, user: User, query: Query, cursor: str = "", limit: int = PAGE) -> FoundPage:
    """The newest first. Raises NothingToFind, TooMuchToFind, BadCursor, and NotFound for a
    conversation that one is not in."""
    words = words_of_query(query)
    end = end_of(cursor)
    walks = walks_of(user, query, end)
    stems = stems_of_query(query, words)
    if not stems:
        return FoundPage([], None)
    hits, last = _Search(query, words, stems, walks, end).first(limit)
    return FoundPage(_shown(user, hits), last.cursor if last else None)


# --- walking -------------------------------------------------------------------------------------


@dataclass
class _Hit:
    """A message that the index names."""

    place: Place
    message: Message
    words: Sequence[Word]

    @cached_property
    def spans(self) -> list[Span] | None:
        """Opens the text; None if it does not say the words after all."""
        return spans_of(self.words, self.message.text or "")


@dataclass
class _Search:
    """The steps that fill one page."""

    query: Query
    words: Sequence[Word]
    stems: Sequence[Stem]
    walks: Sequence[Walk]
    end: Place | None
    hits: list[_Hit] = field(default_factory=list)  # the newest first, as far as a page opened
    rows: int = 0
    messages: int = 0

    def first(self, limit: int) -> tuple[list[_Hit], Place | None]:
        """The newest hits, and where the next page begins if there may be one."""
        size = 1
        # One conversation may fill a page; if it does not, each may have no more than one hit.
        while front := self._front(limit, min(size**2, MOST_WALKS_A_STEP)):
            if self.rows >= MOST_ROWS or self.messages >= MOST_MESSAGES:
                return self._settled(front[0], limit)
            self._step(front, rows=FIRST_ROWS * size, messages=limit + size)
            self._open(limit)
            size *= WIDENING
        page = self.hits[:limit]
        return page, page[-1].place if len(self.hits) > limit else None

    def _front(self, limit: int, most: int) -> list[Walk]:
        """The walks that may find something newer than what is found, the most promising first."""
        enough = self.hits[limit].place if len(self.hits) > limit else None
        walks = [
            walk
            for walk in self.walks
            if walk.is_open and not (enough and _next_place(walk) <= enough)
        ]
        return nlargest(most, walks, key=_next_place)

    def _step(self, front: Sequence[Walk], *, rows: int, messages: int) -> None:
        most_leaves = min(rows, MOST_ROWS_A_STEP) // (len(front) * len(self.stems))
        self.rows += narrow(front, self.stems)
        self.rows += find_seqs(front, self.stems, most_leaves=max(most_leaves, 1))
        for walk, message in take_messages(front, max(messages // len(front), 1)):
            # Clocks may be put back; the order of a conversation is its own.
            walk.horizon = min(walk.horizon, message.created_at)
            place = Place(walk.horizon, walk.conversation.id, message.seq)
            if self.query.covers(message) and not (self.end and place >= self.end):
                self.hits.append(_Hit(place, message, self.words))
            self.messages += 1

    def _open(self, limit: int) -> None:
        """Opens no more texts than a page needs, and drops the hits that say it not."""
        self.hits.sort(key=attrgetter("place"), reverse=True)
        found: list[_Hit] = []
        waiting = iter(self.hits)
        while len(found) <= limit and (hit := next(waiting, None)):
            found += [hit] if hit.spans else []
        self.hits = [*found, *waiting]

    def _settled(self, walk: Walk, limit: int) -> tuple[list[_Hit], Place]:
        """What no later step can precede, and the place from where on anything is possible."""
        reached = _next_place(walk)
        page = [hit for hit in self.hits if hit.place > reached][:limit]
        return page, reached if len(page) < limit else page[-1].place


def _next_place(walk: Walk) -> Place:
    """Nothing that a walk will still find is before this."""
    return Place(walk.horizon, walk.conversation.id, walk.next_seq + 1)


# --- showing -------------------------------------------------------------------------------------


def _shown(user: User, hits: Sequence[_Hit]) -> list[Found]:
    """As they may see it now: who has left meanwhile, or has come back, is shown less."""
    conversations = {hit.message.conversation_id for hit in hits}
    present = Membership.objects.active().of(user).filter(conversation__in=conversations)
    memberships = {each.conversation_id: each for each in present.for_display()}
    found = [
        Found(hit.message, membership, hit.spans)
        for hit in hits
        if (membership := memberships.get(hit.message.conversation_id))
        and hit.spans
        and hit.message.seq > membership.since_seq
    ]
    complete([each.message for each in found])
    for each in found:
        adopt(each.membership.conversation, [each.message])
    return found
