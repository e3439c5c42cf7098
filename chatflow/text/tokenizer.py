"""Split texts into words and compare words, for the searches of messages and of people.

Words are folded: without case, accents and vowel points. Scripts that are written without spaces do
not show where a word begins, so any sequence of their characters matches. An emoji is a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise

from chatflow.text.emoji import SKIN_TONES, emoji_characters, plain_emoji

PREFIX_LENGTH = 3  # Shorter words only match whole words.
Span = tuple[int, int]  # start and end in a text


class Kind(Enum):
    SPACED = "a word between spaces"
    UNSPACED = "characters written without spaces"
    SYMBOL = "one emoji"


@dataclass(frozen=True)
class Word:
    """A folded word; `spans[i]` is where its character `i` is in the original text."""

    text: str
    kind: Kind
    spans: Sequence[Span] = ()

    def matches_in(self, other: Word) -> Iterator[Span]:
        """Yield where the other word has this one: at its start, or anywhere if it is unspaced."""
        if self.kind != other.kind:
            return
        size = len(self.text)
        if self.kind == Kind.UNSPACED:
            starts = [match.start() for match in re.finditer(re.escape(self.text), other.text)]
        else:
            is_prefix = size >= PREFIX_LENGTH and other.text.startswith(self.text)
            starts = [0] if is_prefix or other.text == self.text else []
        for start in starts:
            yield other.spans[start][0], other.spans[start + size - 1][1]


def tokenize(text: str) -> list[Word]:
    if text.isascii():
        return _ascii_words(text)
    return list(_words(*_folded(text)))


def find_matches(wanted: Sequence[Word], text: str) -> list[Span] | None:
    """Return where the words are in the text, in order and merged, or None if one is missing."""
    words = tokenize(text)
    spans: list[Span] = []
    for word in wanted:
        matches = [span for other in words for span in word.matches_in(other)]
        if not matches:
            return None
        spans += matches
    return _merged(spans)


def split_at_spans(text: str, spans: Sequence[Span]) -> list[tuple[str, bool]]:
    """Return the text in pieces, and whether each of them is one of the spans."""
    edges = sorted({0, len(text), *(edge for span in spans for edge in span)})
    starts = {start for start, _end in spans}
    return [(text[start:end], start in starts) for start, end in pairwise(edges)]


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


ASCII_WORD = re.compile("[a-z0-9]+")


def _ascii_words(text: str) -> list[Word]:
    return [
        Word(found[0], Kind.SPACED, list(pairwise(range(found.start(), found.end() + 1))))
        for found in ASCII_WORD.finditer(text.lower())
    ]


def _words(parts: list[str], spans: list[Span]) -> Iterator[Word]:
    """Join adjacent parts of the same kind to words. Each emoji is a word of its own."""
    start = 0
    for end in range(1, len(parts) + 1):
        kind = _kind(parts[start])
        if end < len(parts) and kind == _kind(parts[end]) != Kind.SYMBOL:
            continue
        if kind == Kind.SYMBOL:
            yield Word(parts[start], kind, spans[start:end] * len(parts[start]))
        elif kind:
            yield Word("".join(parts[start:end]), kind, spans[start:end])
        start = end


def _folded(text: str) -> tuple[list[str], list[Span]]:
    """Return folded characters and whole emoji, and where each of them is in the text."""
    parts: list[str] = []
    spans: list[Span] = []
    for unit in UNIT.finditer(text):
        folded = _fold(unit[0])
        is_adjacent = bool(spans) and spans[-1][1] == unit.start()
        if is_adjacent and (not folded or _modifies(folded, parts[-1])):
            spans[-1] = (spans[-1][0], unit.end())  # An accent extends the letter before it.
        elif folded:
            new = [folded] if _is_emoji(folded) else list(folded)
            parts += new
            spans += [unit.span()] * len(new)
    return parts, spans


def _modifies(folded: str, part: str) -> bool:
    """Return whether this modifies the part before it, as a skin tone modifies an emoji."""
    if folded == ZERO_WIDTH_SPACE:  # In unspaced scripts it only marks where a line may break.
        return _kind(part) == Kind.UNSPACED
    return folded in SKIN_TONES and _is_emoji(part)


# Emoji of several characters: flags of countries and regions, and keycaps.
EMOJI_SEQUENCE = (
    "[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    "|[0-9#*][\ufe0e\ufe0f]?\u20e3"
)
# Letters of several characters: Korean syllables, and Japanese letters with a voicing mark.
LETTER_SEQUENCE = (
    "[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|[\uac00-\ud7a3][\u11a8-\u11ff]"
    "|[\u3046-\u30fd\uff66-\uff9d][\u3099\u309a\uff9e\uff9f]"
)
UNIT = re.compile(f"{EMOJI_SEQUENCE}|{LETTER_SEQUENCE}|.", re.DOTALL)
# Letters that Unicode does not decompose. People often type the simple ones instead.
EQUIVALENTS = str.maketrans(
    {"ı": "i", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)


@lru_cache(maxsize=8192)
def _fold(unit: str) -> str:
    if _is_emoji(unit):
        return plain_emoji(unit)
    letters = (each for each in unicodedata.normalize("NFKD", unit) if not _is_ignored(each))
    return unicodedata.normalize("NFC", "".join(letters).casefold().translate(EQUIVALENTS))


def _is_emoji(unit: str) -> bool:
    return unit in emoji_characters() or bool(re.fullmatch(EMOJI_SEQUENCE, unit))


VOICING = "\u3099\u309a"  # not ignored, because they make another letter: か and が differ
TATWEEL = "\u0640"
ZERO_WIDTH_SPACE = "\u200b"
VARIATION_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))


def _is_ignored(character: str) -> bool:
    """Return whether the comparison of words ignores it: accents, vowel points, joiners."""
    if character == ZERO_WIDTH_SPACE:
        return False
    is_mark = unicodedata.combining(character) > 0 and character not in VOICING
    is_format = unicodedata.category(character) in ("Cf", "Me") or character == TATWEEL
    return is_mark or is_format or character in VARIATION_SELECTORS


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"  # Kana, and iteration marks
    "\u1100-\u11ff\uac00-\ud7a3"  # Korean has spaces, but its words are as short as Chinese ones.
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # Han
)


@lru_cache(maxsize=8192)
def _kind(part: str) -> Kind | None:
    if _is_emoji(part):
        return Kind.SYMBOL
    category = unicodedata.category(part)
    if category == "So":
        return Kind.SYMBOL
    if category[0] not in "LNM":
        return None
    return Kind.UNSPACED if UNSPACED.match(part) else Kind.SPACED
