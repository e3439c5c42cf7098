"""The templates that repeat on a page or go over the wire: Jinja compiles them, Django reads them.

Ours use the same filters in both languages.
"""

from __future__ import annotations

from typing import Any

from django.template import engines
from django.template.backends.jinja2 import Jinja2
from django.template.defaultfilters import date, truncatechars
from django.template.library import import_library
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from jinja2 import Environment, StrictUndefined, Template

LIBRARIES = (
    "accounts.templatetags.components",
    "conversations.templatetags.keeping",
    "messaging.templatetags.linkify",
    "messaging.templatetags.reactions",
)


def environment(**options: Any) -> Environment:
    made = Environment(**options | {"undefined": StrictUndefined})  # noqa: S701 (Django escapes)
    for library in LIBRARIES:
        made.filters.update(import_library(library).filters)
    made.filters.update(date=date, truncatechars=truncatechars)
    made.globals.update(_=gettext, static=static, url=_url)
    return made


def compiled(name: str, **context: object) -> SafeString:
    """What the template makes of it, escaped as templates do."""
    return mark_safe(_template(name).render(context))  # noqa: S308


def mark(name: str, *arguments: object, **details: object) -> SafeString:
    """One of the small pieces in marks.jinja."""
    macro = getattr(_template("marks.jinja").module, name)
    return mark_safe(macro(*arguments, **details))  # noqa: S308


def _template(name: str) -> Template:
    engine = engines["compiled"]
    assert isinstance(engine, Jinja2)
    return engine.env.get_template(name)


def _url(name: str, *arguments: object) -> str:
    return reverse(name, args=arguments)
