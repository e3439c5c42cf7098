"""Sentences of system messages, and names that are safe to put into a sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django import template
from django.utils.functional import Promise

from messaging.system_messages import (
    OWN_TEXTS,
    SHORT_TEXTS,
    TEXTS,
    SystemMessage,
    SystemMessageKind,
)

register = template.Library()

RIGHT_TO_LEFT = {"R", "AL", "AN", "RLE", "RLO", "RLI"}
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


@register.simple_tag
def system_message_texts() -> Iterable[tuple[str, Promise]]:
    """Return the name and text of every sentence, for pages whose scripts fill in the names."""
    yield from TEXTS.items()
    yield from SHORT_TEXTS.items()
    for name, text in OWN_TEXTS.items():
        yield f"own_{name}", text


@register.filter
def sentence(message: SystemMessage, is_own: bool = False) -> str:
    """Return the text that a page shows, with each name isolated."""
    name = message.text_name
    own_text = OWN_TEXTS.get(name) if is_own else None
    text = own_text or SHORT_TEXTS.get(name) or TEXTS[SystemMessageKind(name)]
    actor, subject = isolated(message.actor), isolated(message.subject)
    return str(text) % {"actor": actor, "subject": subject, "count": message.count}


@register.filter
def isolated(name: str) -> str:
    """Isolate a name with right-to-left letters, so that it does not reorder the sentence."""
    if RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, name)):
        return name
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_ISOLATE}"
