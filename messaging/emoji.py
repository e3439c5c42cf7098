"""What may be a reaction: the services ask here."""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext_lazy as _

from chatflow.errors import DomainError

LENGTH = 32
PICTURES = {"So", "Sk", "Sm", "Me", "Cn"}  # categories; Cn: emoji newer than this Python
ODDITIES = "‼⁉〰〽ℹ"  # emoji that Unicode files under punctuation and letters
KEYCAPS = "0123456789#*"
JOINERS = {"\u200d", "\ufe0e", "\ufe0f", *map(chr, range(0xE0020, 0xE0080))}  # tags: some flags


class BadEmoji(DomainError):
    code = "bad_emoji"
    message = _("This is not an emoji.")


def good_emoji(emoji: str) -> str:
    """Symbols with what joins and colours them: neither words nor ASCII, but for keycaps."""
    symbols = {character for character in emoji if _is_symbol(character)}
    others = set(emoji) - symbols - JOINERS - set(KEYCAPS)
    if not symbols or others or len(emoji) > LENGTH:
        raise BadEmoji(field="emoji")
    return emoji


def _is_symbol(character: str) -> bool:
    is_picture = unicodedata.category(character) in PICTURES and not character.isascii()
    return is_picture or character in ODDITIES
