"""Rows of the index as a conversation's key names them: without it nothing of them can be read."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from itertools import compress
from typing import NamedTuple

from conversations import encryption
from conversations.models import Conversation
from messaging.stems import TAIL, Stem

KEY_BYTES = 8
ENTRY = 1 + TAIL  # bytes: a message's place in the leaf, and how its word goes on


class Row(NamedTuple):
    """Where a stem stands; `mask` covers how its words go on, differently in every row."""

    key: int
    mask: bytes


class Ink:
    """Remembers, because talk repeats itself. Raises CannotBeRead when the key does."""

    def __init__(self, conversation: Conversation) -> None:
        self._key = encryption.index_key(conversation)
        self._rows: dict[tuple[str, int, str], Row] = {}
        self._tails: dict[Stem, bytes] = {}

    def leaf(self, number: int, stem: Stem) -> Row:
        return self._row("leaf", number, stem.text)

    def branch(self, number: int, beginning: Stem) -> Row:
        return self._row("branch", number, f"{beginning.text}{beginning.tail or ''}")

    def tail(self, stem: Stem) -> bytes:
        """A byte for each character after the stem, made of all the characters until there."""
        if (tail := self._tails.get(stem)) is None:
            after = stem.tail or ""
            ends = range(1, len(after) + 1)
            tail = b"".join(self._hash(f"tail {stem.text}{after[:end]}", 1) for end in ends)
            self._tails[stem] = tail
        return tail

    def posting(self, stem: Stem, place: int, mask: bytes) -> bytes:
        """A leaf's entry for a message; of what has no tail only its place."""
        if stem.tail is None:
            return bytes((place,))
        return bytes((place, *_masked(self.tail(stem).ljust(TAIL, b"\0"), mask)))

    def _row(self, kind: str, number: int, stem: str) -> Row:
        named = (kind, number, stem)
        if (row := self._rows.get(named)) is None:
            digest = self._hash(f"{kind} {number} {stem}", KEY_BYTES + TAIL)
            row = Row(int.from_bytes(digest[:KEY_BYTES], signed=True), digest[KEY_BYTES:])
            self._rows[named] = row
        return row

    def _hash(self, text: str, size: int) -> bytes:
        return blake2b(text.encode(), key=self._key, digest_size=size).digest()


def places_in(postings: bytes, stem: Stem, tail: bytes, mask: bytes) -> set[int]:
    """Places of the messages that may have a word of this stem and tail."""
    if stem.tail is None:
        return set(postings)
    places = postings[::ENTRY]
    matching = int.from_bytes(b"\1" * len(places))
    for at, byte in enumerate(_masked(tail, mask), start=1):
        matching &= int.from_bytes(postings[at::ENTRY].translate(_marking(byte)))
    return set(compress(places, matching.to_bytes(len(places)))) if matching else set()


def without(postings: bytes, stem: Stem, place: int) -> bytes:
    """What remains of a leaf's row when a message leaves it."""
    size = 1 if stem.tail is None else ENTRY
    entries = (postings[at : at + size] for at in range(0, len(postings), size))
    return b"".join(each for each in entries if each[0] != place)


def _masked(tail: bytes, mask: bytes) -> Iterable[int]:
    return (byte ^ blind for byte, blind in zip(tail, mask, strict=False))


@lru_cache(maxsize=256)
def _marking(byte: int) -> bytes:
    """Translates this byte to 1 and every other to 0."""
    return bytes(byte) + b"\1" + bytes(255 - byte)
