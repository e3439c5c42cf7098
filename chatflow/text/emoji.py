"""The emoji that the picker offers, read from the picker's own data.

Python's Unicode tables are older than the newest emoji and do not contain sequences such as flags.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from django.conf import settings

PICKER_DATA = "static/vendor/emoji-picker-element-*/en.json"
COMPONENTS = 2  # the group of skin tones and hair styles, which the picker does not show
VARIATION_SELECTORS = dict.fromkeys((0xFE0E, 0xFE0F))  # to remove with str.translate
SKIN_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
LETTERS_OF_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))  # flags of England, Scotland, Wales
JOINERS = frozenset("\u200d\u20e3")  # zero-width joiner, and combining keycap


def plain_emoji(emoji: str) -> str:
    """Return the emoji without variation selectors, which only affect how it is displayed."""
    return emoji.translate(VARIATION_SELECTORS)


@cache
def offered_emoji() -> dict[str, str]:
    """Return every emoji of the picker, by its spelling without variation selectors."""
    (file,) = settings.BASE_DIR.glob(PICKER_DATA)
    return {plain_emoji(emoji): emoji for emoji in _emoji_in(file.read_text(encoding="utf-8"))}


@cache
def emoji_characters() -> frozenset[str]:
    """Return the characters that are an emoji by themselves, for example 🩷 and ℹ."""
    characters = {character for emoji in offered_emoji() for character in emoji}
    parts = LETTERS_OF_FLAGS | TAGS | JOINERS
    return frozenset(each for each in characters - parts if not each.isascii())


def _emoji_in(data: str) -> Iterator[str]:
    for entry in json.loads(data):
        if entry["group"] != COMPONENTS:
            yield entry["emoji"]
            yield from (skin["emoji"] for skin in entry.get("skins", ()))
