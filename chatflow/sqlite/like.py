"""LIKE that knows all letters: SQLite's own folds ASCII only, and “öz” has to find “Özgür”."""

from __future__ import annotations

import re
from functools import lru_cache

ANY = {"%": ".*", "_": "."}


def like(pattern: str | None, text: str | None, escape: str = "") -> bool | None:
    """`text LIKE pattern ESCAPE escape`, in the order in which SQLite hands them over."""
    if pattern is None or text is None:
        return None
    return bool(_expression(str(pattern).casefold(), escape).fullmatch(str(text).casefold()))


@lru_cache(maxsize=256)
def _expression(pattern: str, escape: str) -> re.Pattern[str]:
    parts, characters = [], iter(pattern)
    for character in characters:
        if escape and character == escape:
            parts.append(re.escape(next(characters, "")))
        else:
            parts.append(ANY.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)
