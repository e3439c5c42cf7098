"""Reactions as a message shows them: each emoji once, with the people who gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

if TYPE_CHECKING:
    from accounts.models import User
    from messaging.models import Message

register = template.Library()

MOST_NAMES = 20


@register.filter
def reactors(message: Message) -> list[tuple[str, list[User]]]:
    """In the order in which the emoji came up; needs `.for_display()`."""
    people: dict[str, list[User]] = {}
    for reaction in message.given_reactions:
        people.setdefault(reaction.emoji, []).append(reaction.user)
    return list(people.items())


@register.filter
def names(people: list[User]) -> str:
    """“Alice, Bob, +3”, in no language: a big group's would be longer than the message."""
    listed = [person.name for person in people[:MOST_NAMES]]
    more = len(people) - MOST_NAMES
    return ", ".join([*listed, f"+{more}"] if more > 0 else listed)
