"""The formatting of messages as filters: as HTML, or as text without markers."""

from __future__ import annotations

from django import template

from chatflow.text.formatting import format_message, plain_text

register = template.Library()

register.filter("formatted", format_message)
register.filter("plain", plain_text)
