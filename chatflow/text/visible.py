"""Rules for visible text in names, titles, descriptions, messages and comments."""

from __future__ import annotations

import re
import unicodedata

# Default_Ignorable_Code_Point of Unicode 17 (DerivedCoreProperties.txt), and other characters that
# are displayed as nothing: the Braille blank, the placeholder of an embedded object, a musical note
# without a head, and annotation marks.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\u2800\ufffc\U0001d159]"
)
BLANK_CATEGORIES = ("Cc", "Cs", "Mn", "Zl", "Zp", "Zs")
LINE_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # control characters, surrogates, line breaks
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def is_visible(text: str) -> bool:
    """Return whether the text has at least one character that is displayed."""
    return any(
        unicodedata.category(character) not in BLANK_CATEGORIES and not INVISIBLE.match(character)
        for character in text
    )


def is_one_line(text: str) -> bool:
    """Return whether the text has no line breaks, control characters or bidirectional controls.

    Such text cannot affect the page outside its own line.
    """
    has_breaks = any(unicodedata.category(character) in LINE_CATEGORIES for character in text)
    return not has_breaks and not BIDI_CONTROLS.search(text)


def can_be_stored(text: str) -> bool:
    """Return whether the text has neither NUL, which PostgreSQL refuses, nor surrogates."""
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


def trimmed(text: str) -> str:
    """Return the text without surrounding whitespace, and with one `LF` for each line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
