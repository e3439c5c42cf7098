"""Template tags and filters of the shared components: icons, avatars, devices, form fields."""

from __future__ import annotations

import re
import uuid
from functools import cache

from django import template
from django.conf import settings
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    FileInput,
    HiddenInput,
    PasswordInput,
)
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from chatflow.jinja import jinja, render_macro

register = template.Library()

TINTS = 8
# A flag is two characters; skin tones, variation selectors and joined emoji belong to the first.
FIRST_SYMBOL = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|.(?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d.)*"
)
# The first match wins: most user agents also name a later one, as Edge names Chrome and Safari.
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
PHONES = ("Android", "iPhone")
SPELLINGS = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS"}


register.simple_tag(jinja)


@register.simple_tag
def constant(template_name: str) -> SafeString:
    """Include a template that depends only on the language. It is rendered once for each."""
    if settings.DEBUG:
        return render_to_string(template_name)
    return _constant(template_name, get_language())


@cache
def _constant(template_name: str, language: str | None) -> SafeString:
    """Render in the active language, which is passed only as a part of the cache key."""
    return render_to_string(template_name)


@register.simple_tag
@cache
def icon(name: str, modifier: str = "") -> SafeString:
    return render_macro("icon", name, modifier)


@register.simple_tag
def avatar(name: str, key: uuid.UUID, **kwargs: object) -> SafeString:
    """Render an avatar. Keyword arguments such as `size` are passed to the macro."""
    return render_macro("avatar", name, key, **kwargs)


@register.filter
def tint(key: uuid.UUID | None) -> int:
    """Return the palette index of a user's or conversation's colour, which never changes."""
    return key.int % TINTS if key else 0


@register.filter
def initials(name: str) -> str:
    """Return “AL” for “Ada Lovelace”, “A” for “alice”, or the first symbol of other names."""
    words = [word for word in name.split() if word[0].isalnum()]
    letters = "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
    return letters or "".join(FIRST_SYMBOL.findall(name)[:1])


@register.filter
def device(user_agent: str) -> str:
    """Return the browser and the system that a user agent names, such as “Firefox · Linux”."""
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    return " · ".join(filter(None, (browser, system))) or user_agent[:40] or _("Unknown device")


@register.filter
def device_icon(user_agent: str) -> str:
    return "phone" if _first(PHONES, user_agent) else "device"


def _first(names: tuple[str, ...], text: str) -> str:
    name = next((name for name in names if name in text), "")
    return SPELLINGS.get(name, name)


@register.filter
def styled(field: BoundField) -> SafeString:
    """Render the widget with our classes. In a form with errors, focus the field to correct."""
    widget = field.field.widget
    attrs: dict[str, str | bool] = {}
    if to_correct := _name_to_correct(field.form):
        attrs["autofocus"] = field.name == to_correct
    if not isinstance(widget, (CheckboxInput, HiddenInput)):
        attrs["class"] = "input input--file" if isinstance(widget, FileInput) else "input"
    return field.as_widget(attrs=attrs)


def _name_to_correct(form: BaseForm) -> str:
    """Return the first field with an error, else the first password, which is empty again."""
    if not form.errors:
        return ""
    passwords = (
        name for name, field in form.fields.items() if isinstance(field.widget, PasswordInput)
    )
    return next((name for name in form.fields if name in form.errors), next(passwords, ""))
