"""Hash the terms of the index, so that the database alone does not reveal any word.

A blind index stores a keyed hash instead of each term. Every conversation has its own key, so the
same word has different hashes in two conversations, and in two segments of one conversation.
"""

from __future__ import annotations

from hashlib import blake2b

from conversations.encryption import envelope as encryption
from conversations.models import Conversation
from messaging.search.prefixes import TAIL_LENGTH, Prefix

KEY_BYTES = 8
POSTING_BYTES = 1 + TAIL_LENGTH  # a message's position in its segment, and a byte per character


class BlindIndexKey:
    """Hashes prefixes for one conversation.

    Raises CannotBeRead if the conversation's key cannot be decrypted.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._key = encryption.index_key(conversation)
        self._lists: dict[str, bytes] = {}  # caches, because messages repeat words
        self._tails: dict[tuple[str, str], bytes] = {}

    def segment_key(self, segment: int, prefix: Prefix) -> int:
        """Return the key of a segment's posting list."""
        return _key(self._list(f"segment {segment} {prefix.text}"))

    def superblock_key(self, superblock: int, prefix: Prefix) -> int:
        """Return the key of a superblock's posting list."""
        return _key(self._list(f"superblock {superblock} {prefix.text}{prefix.tail or ''}"))

    def posting(self, segment: int, prefix: Prefix, position: int) -> bytes:
        """Return the entry of one message in a segment's posting list."""
        if prefix.tail is None:
            return bytes([position])
        tail = prefix.tail.ljust(TAIL_LENGTH, "\0")
        return bytes([position]) + self._hashed_tail(segment, prefix.text, tail)

    def positions(self, segment: int, prefix: Prefix, postings: bytes) -> set[int]:
        """Return the positions of the messages that may have a word with this prefix and tail.

        A different word matches by chance, with a probability of 1/256 per character of the tail.
        """
        if prefix.tail is None:
            return set(postings)
        tail = self._hashed_tail(segment, prefix.text, prefix.tail)
        if tail not in postings:  # 1 µs for a list of 256 postings; the loop below takes 40 µs
            return set()
        starts = range(0, len(postings), POSTING_BYTES)
        return {postings[start] for start in starts if postings.startswith(tail, start + 1)}

    def _hashed_tail(self, segment: int, text: str, tail: str) -> bytes:
        """Return a byte for each character of the tail.

        The bytes are XORed with the mask of the segment's list, so equal tails differ between
        segments. Hashing each tail with its segment would be simpler, but a search would
        take 22 µs a list instead of 8.
        """
        mask = self._list(f"segment {segment} {text}")[KEY_BYTES:]
        return bytes(a ^ b for a, b in zip(self._tail(text, tail), mask, strict=False))

    def _tail(self, text: str, tail: str) -> bytes:
        """Return a hash of one byte for each character, together with all characters before it."""
        if (text, tail) not in self._tails:
            words = (f"tail {text}{tail[:end]}" for end in range(1, len(tail) + 1))
            self._tails[text, tail] = b"".join(self._hash(word, 1) for word in words)
        return self._tails[text, tail]

    def _list(self, name: str) -> bytes:
        """Return the key and the mask of a posting list."""
        if name not in self._lists:
            self._lists[name] = self._hash(name, KEY_BYTES + TAIL_LENGTH)
        return self._lists[name]

    def _hash(self, text: str, size: int) -> bytes:
        return blake2b(text.encode(), key=self._key, digest_size=size).digest()


def without_position(postings: bytes, prefix: Prefix, position: int) -> bytes:
    """Return a segment's posting list without the entries of one message."""
    size = 1 if prefix.tail is None else POSTING_BYTES
    entries = (postings[start : start + size] for start in range(0, len(postings), size))
    return b"".join(entry for entry in entries if entry[0] != position)


def _key(hashed: bytes) -> int:
    return int.from_bytes(hashed[:KEY_BYTES], signed=True)
