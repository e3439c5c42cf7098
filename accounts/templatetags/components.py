"""What the shared components need to draw people, devices and form fields."""

from __future__ import annotations

import uuid

from django import template
from django.forms import BoundField, CheckboxInput, FileInput, HiddenInput
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chatflow.compiled import compiled, mark

register = template.Library()

TINTS = 8
# The first that is named in a user agent is it: the later ones are claimed by the earlier ones too.
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
SPELLINGS = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


register.simple_tag(compiled)


@register.simple_tag
def icon(name: str, modifier: str = "") -> SafeString:
    return mark("icon", name, modifier)


@register.simple_tag
def avatar(name: str, key: uuid.UUID, **details: object) -> SafeString:
    """`picture` and `kind` of whom or what it is, and the `size`."""
    return mark("avatar", name, key, **details)


@register.filter
def tint(key: uuid.UUID | None) -> int:
    """The colour of a person or a conversation: always the same one of the palette."""
    return key.int % TINTS if key else 0


@register.filter
def initials(name: str) -> str:
    """“Ada Lovelace” → “AL”, “alice” → “A”."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or name[:1]


@register.filter
def device(user_agent: str) -> str:
    """“Firefox · Linux”, as far as a user agent can be believed."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    return " · ".join(filter(None, (browser, system))) or user_agent[:40] or _("Unknown device")


def _first(names: tuple[str, ...], text: str) -> str:
    found = next((name for name in names if name in text), "")
    return SPELLINGS.get(found, found)


@register.filter
def styled(field: BoundField) -> SafeString:
    """The field's widget, dressed as our inputs are."""
    widget = field.field.widget
    if isinstance(widget, (CheckboxInput, HiddenInput)):
        return field.as_widget()
    modifier = " input--file" if isinstance(widget, FileInput) else ""
    return field.as_widget(attrs={"class": f"input{modifier}"})
