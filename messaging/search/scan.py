"""Scan the posting lists of conversations, from the newest message to the oldest.

Each step reads the lists of many conversations in one query. The lists of superblocks show which
segments may match, and the lists of segments show which messages may match. `results.py` decides
how far each conversation is scanned.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from chatflow.api.cursors import BadCursor, packed, unpacked
from conversations.models import Conversation, Membership
from messaging.models import Message
from messaging.related import load_attachments
from messaging.search.blind_index import BlindIndexKey
from messaging.search.postings import FAN_OUT, read_lists
from messaging.search.prefixes import Prefix, superblock_prefixes


@dataclass(frozen=True, order=True)
class SortKey:
    """The position of a result among all results, and the cursor of a page that ends there."""

    at: datetime
    conversation: uuid.UUID
    seq: int

    @property
    def cursor(self) -> str:
        return packed(self.at, self.conversation, self.seq)

    @classmethod
    def from_cursor(cls, cursor: str) -> Self:
        at, conversation, numbers = unpacked(cursor)
        if len(numbers) != 1:
            raise BadCursor
        return cls(at, conversation, numbers[0])


@dataclass
class PostingScan:
    """The state of the scan of one conversation: what is left to read."""

    membership: Membership
    above: int  # Only sequence numbers between these two are searched, both excluded.
    below: int
    newest_possible: datetime  # No message that is still to be found is newer.
    seqs: list[int] = field(default_factory=list)  # candidates to be read, ascending

    def __post_init__(self) -> None:
        self.index_key = BlindIndexKey(self.conversation)
        self.segments = list(self.segment_range)  # to be read, ascending
        # The lists of superblocks are not worth a query if there is only one segment.
        self.is_filtered = len(self.segments) == 1

    @property
    def conversation(self) -> Conversation:
        return self.membership.conversation

    @property
    def segment_range(self) -> range:
        return range(self.above // FAN_OUT, (self.below - 2) // FAN_OUT + 1)

    @property
    def is_open(self) -> bool:
        return bool(self.segments or self.seqs)

    @property
    def upper_bound(self) -> SortKey:
        """Return a key that is greater than those of all messages that the scan may still find."""
        seq = self.seqs[-1] if self.seqs else min((self.segments[-1] + 1) * FAN_OUT, self.below - 1)
        return SortKey(self.newest_possible, self.conversation.id, seq + 1)


def filter_segments(scans: Sequence[PostingScan], prefixes: Sequence[Prefix]) -> int:
    """Drop the segments in which not all prefixes occur; return how many lists were looked up."""
    unfiltered = [scan for scan in scans if not scan.is_filtered]
    listed = superblock_prefixes(prefixes)
    lookups = [
        (scan, superblock, [scan.index_key.superblock_key(superblock, each) for each in listed])
        for scan in unfiltered
        for superblock in range(scan.segments[0] // FAN_OUT, scan.segments[-1] // FAN_OUT + 1)
    ]
    lists = read_lists(key for _scan, _superblock, keys in lookups for key in keys)
    for scan in unfiltered:
        scan.segments = scan.segments[:1] if scan.segments[0] == 0 else []  # in no superblock
        scan.is_filtered = True
    for scan, superblock, keys in lookups:
        positions = set.intersection(*(set(lists.get(key, b"")) for key in keys))
        segments = sorted(superblock * FAN_OUT + position for position in positions)
        scan.segments += [segment for segment in segments if segment in scan.segment_range]
    return len(lookups) * len(listed)


def find_candidates(
    scans: Sequence[PostingScan], prefixes: Sequence[Prefix], *, max_segments: int
) -> int:
    """Find candidates for the scans that have none; return how many lists were looked up.

    At most `max_segments` segments of each scan are read.
    """
    lookups = [
        (scan, segment, [scan.index_key.segment_key(segment, prefix) for prefix in prefixes])
        for scan in scans
        if not scan.seqs
        for segment in _pop_last(scan.segments, max_segments)
    ]
    lists = read_lists(key for _scan, _segment, keys in lookups for key in keys)
    for scan, segment, keys in lookups:
        if not all(key in lists for key in keys):
            continue
        matches = (
            scan.index_key.positions(segment, prefix, lists[key])
            for key, prefix in zip(keys, prefixes, strict=True)
        )
        positions = sorted(set.intersection(*matches))
        seqs = (segment * FAN_OUT + position + 1 for position in positions)
        scan.seqs += [seq for seq in seqs if scan.above < seq < scan.below]
    return len(lookups) * len(prefixes)


def take_candidates(
    scans: Sequence[PostingScan], max_each: int
) -> list[tuple[PostingScan, Message]]:
    """Read the next candidate messages that the member may see, the newest first."""
    scan_of = {scan.conversation.id: scan for scan in scans}
    wanted = [(scan.membership, _pop_last(scan.seqs, max_each)) for scan in scans if scan.seqs]
    if not wanted:
        return []
    visible = Message.objects.visible_at(wanted, user_id=scans[0].membership.user_id)
    messages = sorted(visible.searchable(), key=lambda message: message.seq, reverse=True)
    for message in messages:
        message.conversation = scan_of[message.conversation_id].conversation
    load_attachments(messages)  # whose names are searched
    return [(scan_of[message.conversation_id], message) for message in messages]


def _pop_last(items: list[int], count: int) -> list[int]:
    """Remove and return the last items."""
    popped = items[-count:]
    del items[-count:]
    return popped
