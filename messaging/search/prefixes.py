"""The terms of the index: what it stores about a message and looks up for a search."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chatflow.text.tokenizer import PREFIX_LENGTH, Kind, Word, tokenize

TAIL_LENGTH = 5  # characters after a prefix that the index knows
# Each different prefix of a message is a row to write. Words beyond this limit are not found. The
# longest possible messages have about 400 prefixes in English and 800 in Chinese.
MAX_PREFIXES = 1024


class Prefix(NamedTuple):
    """The first characters of a word and the next ones: "gardener" is `("gar", "dener")`.

    `tail` is None for emoji and for words shorter than a prefix, which only match whole words.
    """

    text: str
    tail: str | None = None


def prefixes_in(text: str, *, sender_id: uuid.UUID | None) -> set[Prefix]:
    """Return what the index stores about a message: the prefixes of its words, and its sender.

    The result is empty for a deleted message, which has no text.
    """
    if not text:
        return set()
    prefixes = {sender_prefix(sender_id)}
    texts: set[str] = set()
    for prefix in (word_prefix(part) for word in tokenize(text) for part in _parts(word)):
        if prefix.text in texts or len(texts) < MAX_PREFIXES:
            texts.add(prefix.text)
            prefixes.add(prefix)
    return prefixes


def word_prefix(word: Word) -> Prefix:
    size = 1 if word.kind == Kind.UNSPACED else PREFIX_LENGTH
    if len(word.text) < size or word.kind == Kind.SYMBOL:
        return Prefix(word.text)
    return Prefix(word.text[:size], word.text[size : size + TAIL_LENGTH])


def sender_prefix(user_id: uuid.UUID | None) -> Prefix:
    return Prefix(f"\0{user_id}")  # No word contains a NUL.


def superblock_prefixes(prefixes: Iterable[Prefix]) -> set[Prefix]:
    """Return the prefixes under which superblocks list a segment with these prefixes.

    They are the prefix itself and, if the word is long enough, the prefix with two more characters.
    With those, a search for a rare word can skip segments that only have common words with the same
    first three characters.
    """
    listed = {Prefix(prefix.text, prefix.tail and "") for prefix in prefixes}
    return listed | {
        Prefix(prefix.text, prefix.tail[:2])
        for prefix in prefixes
        if prefix.tail and len(prefix.tail) >= 2
    }


def _parts(word: Word) -> Iterator[Word]:
    """Yield the word, or the parts that begin at each of its characters if it is unspaced."""
    if word.kind != Kind.UNSPACED:
        yield word
        return
    for start in range(len(word.text)):
        yield Word(word.text[start : start + 1 + TAIL_LENGTH], word.kind)
