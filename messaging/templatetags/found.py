"""What is shown of a message that was found: the place where it was, with the words marked."""

from __future__ import annotations

from django import template

from messaging.search import Found
from messaging.words import segments_of

register = template.Library()

BEFORE, LENGTH = 40, 240  # characters


@register.filter
def excerpt(found: Found) -> list[tuple[str, bool]]:
    """Pieces of text, and whether each was searched for."""
    body = found.message.body
    start = _start(body, found.spans[0][0])
    end = start + LENGTH
    spans = [(at - start, min(until, end) - start) for at, until in found.spans if at < end]
    pieces = segments_of(body[start:end], spans)
    dots = [("…", False)]
    return (dots if start else []) + pieces + (dots if end < len(body) else [])


def _start(body: str, first: int) -> int:
    """A little before the first word that was found, where a word begins."""
    if first <= BEFORE:
        return 0
    space = body.find(" ", first - BEFORE, first)
    return space + 1 if space >= 0 else first - BEFORE
