"""What counts as a word and when two are the same, for whoever indexes, searches and highlights.

A word is folded: without case, accents and vowel points. Scripts that are written without spaces
have no words to see, so there any stretch of characters is found; an emoji is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise

SHORTEST_BEGINNING = 3  # shorter words are found as they stand
Span = tuple[int, int]


class Kind(Enum):
    SPACED = "a word between spaces"
    UNSPACED = "characters written without spaces"
    SYMBOL = "one emoji"


@dataclass(frozen=True)
class Word:
    """A folded word; `edges[i]` is where its character `i` stands in the text it comes from."""

    text: str
    kind: Kind
    edges: Sequence[Span] = ()

    def found_in(self, other: Word) -> Iterator[Span]:
        """Where the other word answers a question for this one."""
        if self.kind != other.kind:
            return
        for start in _occurrences(self, other.text):
            yield other.edges[start][0], other.edges[start + len(self.text) - 1][1]


def words_of(text: str) -> list[Word]:
    if text.isascii():
        return _ascii_words(text)
    return list(_words(*_folded(text)))


def spans_of(wanted: Sequence[Word], text: str) -> list[Span] | None:
    """Where the wanted words are in a text, in order and never touching; None unless all are."""
    words = words_of(text)
    spans: list[Span] = []
    for word in wanted:
        found = [span for other in words for span in word.found_in(other)]
        if not found:
            return None
        spans += found
    return _merged(spans)


def segments_of(text: str, spans: Sequence[Span]) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is one of the spans: for templates that mark them."""
    edges = sorted({0, len(text), *(edge for span in spans for edge in span)})
    starts = {start for start, _end in spans}
    return [(text[start:end], start in starts) for start, end in pairwise(edges)]


def _occurrences(word: Word, text: str) -> Iterator[int]:
    if word.kind == Kind.UNSPACED:
        yield from (match.start() for match in re.finditer(re.escape(word.text), text))
    elif text == word.text or (len(word.text) >= SHORTEST_BEGINNING and text.startswith(word.text)):
        yield 0


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# --- from text to words --------------------------------------------------------------------------

ASCII_WORD = re.compile("[a-z0-9]+")


def _ascii_words(text: str) -> list[Word]:
    return [
        Word(found[0], Kind.SPACED, list(pairwise(range(found.start(), found.end() + 1))))
        for found in ASCII_WORD.finditer(text.lower())
    ]


def _words(characters: list[str], edges: list[Span]) -> Iterator[Word]:
    start = 0
    for end in range(1, len(characters) + 1):
        kind = _kind(characters[start])
        if end < len(characters) and kind == _kind(characters[end]) != Kind.SYMBOL:
            continue
        if kind:
            yield Word("".join(characters[start:end]), kind, edges[start:end])
        start = end


def _folded(text: str) -> tuple[list[str], list[Span]]:
    """Folded characters, and where in the text each of them comes from."""
    characters: list[str] = []
    edges: list[Span] = []
    for unit in UNIT.finditer(text):
        folded = _fold(unit[0])
        if folded:
            characters += folded
            edges += [unit.span()] * len(folded)
        elif edges and edges[-1][1] == unit.start():  # an accent belongs to what it stands on
            edges[-1] = (edges[-1][0], unit.end())
    return characters, edges


# What is one letter, though written as several: Korean syllables, and Japanese voicing marks.
UNIT = re.compile(
    "[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|[\uac00-\ud7a3][\u11a8-\u11ff]"
    "|[\u3046-\u30fd\uff66-\uff9d][\u3099\u309a\uff9e\uff9f]|.",
    re.DOTALL,
)
# Letters with a stroke or a missing dot are not made of a letter and an accent, but meant alike.
ALIKE = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)


@lru_cache(maxsize=8192)
def _fold(unit: str) -> str:
    letters = (each for each in unicodedata.normalize("NFKD", unit) if not _is_silent(each))
    return unicodedata.normalize("NFC", "".join(letters).casefold().translate(ALIKE))


VOICING = "\u3099\u309a"  # makes another letter of it
TATWEEL = "\u0640"
SKIN = range(0x1F3FB, 0x1F400)
VARIANTS = range(0xFE00, 0xFE10)


def _is_silent(character: str) -> bool:
    """Accents, vowel points, joiners, and what only changes how something is drawn."""
    is_mark = unicodedata.combining(character) > 0 and character not in VOICING
    is_format = unicodedata.category(character) in ("Cf", "Me") or character == TATWEEL
    return is_mark or is_format or ord(character) in SKIN or ord(character) in VARIANTS


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"  # Kana, and marks that stand for characters
    "\u1100-\u11ff\uac00-\ud7a3"  # Korean: spaced, but its words are as short as Chinese ones
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # Han
)


@lru_cache(maxsize=8192)
def _kind(character: str) -> Kind | None:
    category = unicodedata.category(character)
    if category == "So":
        return Kind.SYMBOL
    if category[0] not in "LNM":
        return None
    return Kind.UNSPACED if UNSPACED.match(character) else Kind.SPACED
