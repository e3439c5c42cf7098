"""Excerpts of the messages in search results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from chatflow.text.formatting import plain_text_at
from chatflow.text.tokenizer import split_at_spans

if TYPE_CHECKING:
    from messaging.search.results import Found

register = template.Library()

CONTEXT = 40  # characters before the first match
LENGTH = 240


@register.filter
def excerpt(found: Found) -> list[tuple[str, bool]]:
    """Return the text around the first match in pieces, and whether each of them is a match."""
    if not found.spans:  # the name of an attachment matches
        return [(", ".join(each.name for each in found.message.attachments), False)]
    body, found_spans = plain_text_at(found.message.body, found.spans)
    start = _start(body, found_spans[0][0])
    end = start + LENGTH
    spans = [(first - start, min(last, end) - start) for first, last in found_spans if first < end]
    pieces = split_at_spans(body[start:end], spans)
    ellipsis = [("…", False)]
    return (ellipsis if start else []) + pieces + (ellipsis if end < len(body) else [])


def _start(body: str, first: int) -> int:
    """Return where the excerpt starts: at a word a little before the first match."""
    if first <= CONTEXT:
        return 0
    space = body.find(" ", first - CONTEXT, first)
    return space + 1 if space >= 0 else first - CONTEXT
