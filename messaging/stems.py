"""What of a message the index keeps: how its words begin and go on, and who sent it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from messaging.words import SHORTEST_BEGINNING, Kind, Word, words_of

TAIL = 5  # characters after the stem that the index knows of


class Stem(NamedTuple):
    """How a word begins, and how it goes on; without a tail it is found only as it stands."""

    text: str
    tail: str | None = None


def stems_in(text: str, *, sender_id: uuid.UUID | None) -> set[Stem]:
    """Nothing of a message that has no text any more."""
    if not text:
        return set()
    stems = {_ended(stem_of(part)) for word in words_of(text) for part in _parts(word)}
    return stems | {stem_of_sender(sender_id)}


def stem_of(word: Word) -> Stem:
    """Of a word that is searched for."""
    size = 1 if word.kind == Kind.UNSPACED else SHORTEST_BEGINNING
    if len(word.text) < size or word.kind == Kind.SYMBOL:
        return Stem(word.text)
    return Stem(word.text[:size], word.text[size : size + TAIL])


def beginnings_of(stem: Stem) -> list[Stem]:
    """What branches know of it: that it is said, and with which two characters after it, so that a
    rare word is not looked for wherever a common one begins alike."""
    if stem.tail is None:
        return [stem]
    longer = stem.tail[:2]
    is_long = len(longer) == 2 and "\0" not in longer
    return [Stem(stem.text, ""), *([Stem(stem.text, longer)] if is_long else [])]


def stem_of_sender(user_id: uuid.UUID | None) -> Stem:
    return Stem(f"\0{user_id}")  # no word has such a character


def _parts(word: Word) -> Iterable[Word]:
    """Without spaces a word may begin at any character."""
    if word.kind != Kind.UNSPACED:
        return [word]
    return [Word(word.text[at : at + 1 + TAIL], word.kind) for at in range(len(word.text))]


def _ended(stem: Stem) -> Stem:
    """That a word ends is told apart from how others go on."""
    return Stem(stem.text, f"{stem.tail}\0"[:TAIL]) if stem.tail is not None else stem
