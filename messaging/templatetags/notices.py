"""The words of notices, for pages that put them together themselves."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.functional import Promise

from messaging.notices import WORDS, Notice

register = template.Library()


@register.simple_tag
def words_of_notices() -> Iterable[tuple[Notice, Promise]]:
    return WORDS.items()
