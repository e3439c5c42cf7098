"""The rule for names of attachments: one line without characters that could mislead."""

from __future__ import annotations

import re
import unicodedata

from chatflow.text.visible import BIDI_CONTROLS, LINE_CATEGORIES, is_visible
from messaging.attachments.models import MAX_NAME_LENGTH

MAX_SUFFIX_LENGTH = 20
UNNAMED = "file"


def good_name(name: str) -> str:
    """Return the name without directories, control characters and bidirectional controls.

    With those, "photo\u202egnp.exe" would look like a picture. A long name keeps its ending.
    """
    name = re.split(r"[/\\]", name)[-1]
    name = BIDI_CONTROLS.sub("", name)
    name = "".join(each for each in name if unicodedata.category(each) not in LINE_CATEGORIES)
    name = name.strip().strip(".") if not name.strip(". ") else name.strip()
    if not is_visible(name):
        return UNNAMED
    if len(name) <= MAX_NAME_LENGTH:
        return name
    base, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > MAX_SUFFIX_LENGTH:
        return name[:MAX_NAME_LENGTH]
    return f"{base[: MAX_NAME_LENGTH - len(suffix) - 1]}.{suffix}"
