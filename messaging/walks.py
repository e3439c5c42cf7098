"""A search's way through one conversation after another, from the newest message back.

The index is asked for many conversations in one query: first for the leaves where all is said that
is searched for, then for the messages there. `messaging.search` decides how far each is walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from conversations.models import Conversation, Membership
from messaging.index import SPAN, Postings, postings_of
from messaging.ink import Ink, Row, places_in
from messaging.models import Message
from messaging.stems import Stem, beginnings_of


@dataclass
class Walk:
    """What one member may see of a conversation, and how far it has been searched."""

    membership: Membership
    above: int  # seqs between these two are searched
    below: int
    horizon: datetime  # nothing that is still to be found is newer
    seqs: list[int] = field(default_factory=list)  # candidates, the newest last
    is_narrowed: bool = False  # to the leaves that branches name

    def __post_init__(self) -> None:
        self.ink = Ink(self.conversation)
        self.leaves = list(self.reach)  # still to be read, the newest last

    @property
    def conversation(self) -> Conversation:
        return self.membership.conversation

    @property
    def is_open(self) -> bool:
        return bool(self.leaves or self.seqs)

    @property
    def reach(self) -> range:
        """The leaves between its two ends."""
        return range(self.above // SPAN, (self.below - 2) // SPAN + 1)

    @property
    def next_seq(self) -> int:
        """The newest one that may still be found."""
        if self.seqs:
            return self.seqs[-1]
        return min(self.leaves[-1] * SPAN + SPAN, self.below - 1)


def narrow(walks: Iterable[Walk], stems: Sequence[Stem]) -> int:
    """Keeps the leaves where each of the stems is said, as far as branches tell; answers how many
    rows were asked for."""
    fresh = [walk for walk in walks if not walk.is_narrowed]
    beginnings = list({each for stem in stems for each in beginnings_of(stem)})
    rows = [
        walk.ink.branch(branch, beginning)
        for walk in fresh
        for branch in _branches(walk)
        for beginning in beginnings
    ]
    postings = postings_of(rows)
    for walk in fresh:
        walk.leaves = sorted(set(_leaves(walk, beginnings, postings)) & set(walk.reach))
        walk.is_narrowed = True
    return len(rows)


def _branches(walk: Walk) -> Iterable[int]:
    """A single leaf is looked into at once."""
    reach = walk.reach
    return range(reach[0] // SPAN, reach[-1] // SPAN + 1) if len(reach) > 1 else ()


def _leaves(walk: Walk, beginnings: Sequence[Stem], postings: Postings) -> Iterator[int]:
    yield from (walk.reach[0],) if len(walk.reach) == 1 else (0,)
    for branch in _branches(walk):
        rows = (walk.ink.branch(branch, beginning) for beginning in beginnings)
        places = set.intersection(*(set(postings.get(row.key, b"")) for row in rows))
        yield from (branch * SPAN + place for place in places)


def find_seqs(walks: Iterable[Walk], stems: Sequence[Stem], *, most_leaves: int) -> int:
    """The next candidates of those that have none; answers how many rows were asked for."""
    asked = [
        (walk, leaf, [walk.ink.leaf(leaf, stem) for stem in stems])
        for walk in walks
        if not walk.seqs
        for leaf in _taken(walk.leaves, most_leaves)
    ]
    postings = postings_of(row for _walk, _leaf, rows in asked for row in rows)
    for walk, leaf, rows in asked:
        places = _places(walk.ink, stems, rows, postings)
        seqs = (leaf * SPAN + place + 1 for place in sorted(places))
        walk.seqs += [seq for seq in seqs if walk.above < seq < walk.below]
    return len(asked) * len(stems)


def take_messages(walks: Sequence[Walk], most: int) -> list[tuple[Walk, Message]]:
    """The next candidates of each, as far as their member may see them, the newest first."""
    by_conversation = {walk.conversation.id: walk for walk in walks}
    places = [(walk.membership, _taken(walk.seqs, most)) for walk in walks if walk.seqs]
    if not places:
        return []
    seen = Message.objects.seen_at(places, user_id=walks[0].membership.user_id)
    found = []
    for message in sorted(seen.searchable(), key=lambda each: each.seq, reverse=True):
        walk = by_conversation[message.conversation_id]
        message.conversation = walk.conversation
        found.append((walk, message))
    return found


def _taken(ascending: list[int], most: int) -> list[int]:
    """The last ones, which are not there any more."""
    taken = ascending[-most:]
    del ascending[-most:]
    return taken


def _places(ink: Ink, stems: Sequence[Stem], rows: Sequence[Row], postings: Postings) -> set[int]:
    """Of the messages of a leaf in which each of the stems may be."""
    if not all(row.key in postings for row in rows):
        return set()
    found: set[int] | None = None
    for stem, row in zip(stems, rows, strict=True):
        places = places_in(postings[row.key], stem, ink.tail(stem), row.mask)
        found = places if found is None else found & places
        if not found:
            break
    return found or set()
