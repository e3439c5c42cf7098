"""Search messages; API and pages call `search()`.

Each conversation is scanned from its newest message to its oldest. The index yields candidates,
which are decrypted and compared with the words. The first step scans only the most recently active
conversation. Each further step reads more segments of more conversations, until no scan can find a
message that is newer than the last one of the page. The work for one page is limited. If a page
reaches the limit, it may have fewer results than requested, and a cursor for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest

from accounts.models import User
from chatflow.limits import policy as limits
from chatflow.limits.policy import limited
from chatflow.text.tokenizer import Span, Word, find_matches
from conversations.models import Membership
from messaging.models import Message
from messaging.related import load_related
from messaging.search.prefixes import Prefix
from messaging.search.query import Query, prefixes_of_query, scans_of_query
from messaging.search.scan import (
    PostingScan,
    SortKey,
    filter_segments,
    find_candidates,
    take_candidates,
)

PAGE = 20
GROWTH = 6  # factor by which the size of a step grows
FIRST_LISTS = 16
MAX_SCANS_PER_STEP = 400  # Each is a condition of a query; SQLite allows a thousand.
MAX_LISTS_PER_STEP = 4096
MAX_LISTS = 20_000  # read for one page
MAX_MESSAGES = 1000  # read for one page


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
    """Return a page of results, newest first.

    Raises NothingToFind, TooMuchToFind, BadCursor, and NotFound for a conversation that the user
    is not in.
    """
    words = query.words()
    end = SortKey.from_cursor(cursor) if cursor else None
    scans = scans_of_query(user, query, end)
    prefixes = prefixes_of_query(query, words)
    if not prefixes:
        return FoundPage([], None)
    hits, last = _PageSearch(query, words, prefixes, scans, end).run(limit)
    return FoundPage(_visible_results(user, hits), last.cursor if last else None)


@dataclass
class _Hit:
    """A candidate, which is a match if its decrypted text contains the words."""

    key: SortKey
    message: Message
    words: Sequence[Word]

    @cached_property
    def spans(self) -> list[Span] | None:
        """Return the matches in the text, without those in names of attachments, or None."""
        matches = find_matches(self.words, self.message.searchable_text)
        length = len(self.message.text or "")
        return [span for span in matches if span[1] <= length] if matches else None


@dataclass
class _PageSearch:
    """The state of the search for one page."""

    query: Query
    words: Sequence[Word]
    prefixes: Sequence[Prefix]
    scans: Sequence[PostingScan]
    end: SortKey | None
    hits: list[_Hit] = field(default_factory=list)  # newest first; those of the page are confirmed
    lists_read: int = 0
    messages_read: int = 0

    def run(self, limit: int) -> tuple[list[_Hit], SortKey | None]:
        """Return the newest hits, and where the next page begins or None if there is none."""
        size = 1
        # The newest conversation may fill the page. If not, scan many, with few messages of each.
        while scans := self._next_scans(limit, min(size**2, MAX_SCANS_PER_STEP)):
            if self.lists_read >= MAX_LISTS or self.messages_read >= MAX_MESSAGES:
                return self._unfinished_page(limit, reached=scans[0].upper_bound)
            self._read_candidates(scans, max_lists=FIRST_LISTS * size, max_messages=limit + size)
            self._confirm_hits(limit)
            size *= GROWTH
        page = self.hits[:limit]
        return page, page[-1].key if len(self.hits) > limit else None

    def _next_scans(self, limit: int, max_scans: int) -> list[PostingScan]:
        """Return the scans that may find messages for this page, the newest first."""
        scans = [scan for scan in self.scans if scan.is_open]
        if len(self.hits) > limit:
            scans = [scan for scan in scans if scan.upper_bound > self.hits[limit].key]
        return nlargest(max_scans, scans, key=lambda scan: scan.upper_bound)

    def _read_candidates(
        self, scans: Sequence[PostingScan], *, max_lists: int, max_messages: int
    ) -> None:
        max_segments = min(max_lists, MAX_LISTS_PER_STEP) // (len(scans) * len(self.prefixes))
        self.lists_read += filter_segments(scans, self.prefixes)
        self.lists_read += find_candidates(scans, self.prefixes, max_segments=max(max_segments, 1))
        for scan, message in take_candidates(scans, max(max_messages // len(scans), 1)):
            # The server's clock may have been set back. Within a conversation, `seq` decides.
            scan.newest_possible = min(scan.newest_possible, message.created_at)
            key = SortKey(scan.newest_possible, scan.conversation.id, message.seq)
            if self.query.includes_time_of(message) and not (self.end and key >= self.end):
                self.hits.append(_Hit(key, message, self.words))
            self.messages_read += 1

    def _confirm_hits(self, limit: int) -> None:
        """Decrypt as many hits as the page needs, and drop those that do not match."""
        self.hits.sort(key=lambda hit: hit.key, reverse=True)
        confirmed: list[_Hit] = []
        unconfirmed = iter(self.hits)
        while len(confirmed) <= limit and (hit := next(unconfirmed, None)):
            if hit.spans is not None:
                confirmed.append(hit)
        self.hits = [*confirmed, *unconfirmed]

    def _unfinished_page(self, limit: int, *, reached: SortKey) -> tuple[list[_Hit], SortKey]:
        """Return the hits that are newer than what was not scanned, and where to continue."""
        page = [hit for hit in self.hits if hit.key > reached][:limit]
        return page, reached if len(page) < limit else page[-1].key


def _visible_results(user: User, hits: Sequence[_Hit]) -> list[Found]:
    """Return what the user may see now: they may have left a conversation during the search."""
    conversations = {hit.message.conversation_id for hit in hits}
    active = Membership.objects.active().of(user).filter(conversation__in=conversations)
    memberships = {each.conversation_id: each for each in active.for_display()}
    results = [
        Found(hit.message, membership, hit.spans)
        for hit in hits
        if (membership := memberships.get(hit.message.conversation_id))
        and hit.spans is not None
        and hit.message.seq > membership.since_seq
    ]
    for found in results:
        found.message.conversation = found.membership.conversation
    load_related([found.message for found in results])
    return results
