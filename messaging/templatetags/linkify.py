"""Turns addresses in a message into links, and nothing else: all of it stays escaped."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# Bracketed, so that re.split answers text and addresses in turn.
ADDRESS = re.compile(
    r"(\bhttps?://[^\s<>\"'“”«»]+|\bwww\.[^\s<>\"'“”«»]+\.[^\s<>\"'“”«»]+)", re.IGNORECASE
)
TRAILING = ".,:;!?…"
LONGEST_ADDRESS = 2000


@register.filter
def linkify(text: str) -> SafeString:
    """http, https and www addresses as links that tell their target nothing about us."""
    return format_html_join("", "{}", ((part,) for part in _parts(text)))


def _parts(text: str) -> list[str]:
    parts: list[str] = []
    for index, piece in enumerate(ADDRESS.split(text)):
        parts += _linked(piece) if index % 2 and len(piece) <= LONGEST_ADDRESS else [piece]
    return parts


def _linked(piece: str) -> list[str]:
    address = _without_trailing(piece)
    target = address if "://" in address else f"https://{address}"
    link = format_html_join(
        "",
        '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>',
        [(target, address)],
    )
    return [link, piece[len(address) :]]


def _without_trailing(address: str) -> str:
    """The dot that ends the sentence is not part of the address, nor is a bracket around it."""
    address = address.rstrip(TRAILING)
    while address.endswith(")") and address.count(")") > address.count("("):
        address = address[:-1].rstrip(TRAILING)
    return address
