"""Group a message's reactions by emoji."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

if TYPE_CHECKING:
    from accounts.models import User
    from messaging.models import Message

register = template.Library()

MAX_NAMES = 20


@register.filter
def reactors(message: Message) -> list[tuple[str, list[User]]]:
    """Return each emoji with the users who gave it, in the order of its first reaction."""
    people: dict[str, list[User]] = {}
    for reaction in message.given_reactions:
        people.setdefault(reaction.emoji, []).append(reaction.user)
    return list(people.items())


@register.filter
def names(people: list[User]) -> str:
    """Return “Alice, Bob, +3”, which needs no translation and stays short in a large group."""
    listed = [person.name for person in people[:MAX_NAMES]]
    more = len(people) - MAX_NAMES
    return ", ".join([*listed, f"+{more}"] if more > 0 else listed)
