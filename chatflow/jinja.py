"""Fragments that repeat on a page or go over the socket are Jinja templates, which render faster.

They use the same filters as the Django templates and are included by the tag `{% jinja %}`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any

from django.template import engines
from django.template.backends.jinja2 import Jinja2
from django.template.defaultfilters import date, truncatechars
from django.template.library import import_library
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from jinja2 import Environment, StrictUndefined, Template

LIBRARIES = (
    "accounts.templatetags.components",
    "conversations.templatetags.muting",
    "messaging.templatetags.attachments",
    "messaging.templatetags.formatting",
    "messaging.templatetags.system_messages",
    "messaging.templatetags.reactions",
)


def environment(**options: Any) -> Environment:
    result = Environment(**options | {"undefined": StrictUndefined})  # noqa: S701 (Django escapes)
    for library in LIBRARIES:
        result.filters.update(import_library(library).filters)
    result.filters.update(truncatechars=truncatechars)
    result.globals.update(static=cache(static), url=_url)
    return result


def jinja(name: str, **context: object) -> SafeString:
    """Render a template of templates/jinja."""
    return mark_safe(_template(name).render(context))  # noqa: S308


def render_macro(name: str, *arguments: object, **details: object) -> SafeString:
    """Render a macro of macros.jinja."""
    macro = getattr(_template("macros.jinja").module, name)
    return mark_safe(macro(*arguments, **details))  # noqa: S308


def _template(name: str) -> Template:
    return _environment(get_language()).get_template(name)


@cache
def _environment(language: str | None) -> Environment:
    """Return the environment of the active language, which saves asking for it at every word."""
    engine = engines["jinja"]
    assert isinstance(engine, Jinja2)
    result = engine.env.overlay()
    result.globals = result.globals | {"_": partial(_translated, language=language)}
    result.filters = result.filters | {"date": partial(_date, language=language)}
    return result


# These results are cached, because Django's own functions take 35 to 100 Python calls each and are
# called several times for each row of a page. The language is only a part of the cache key.


@cache
def _translated(text: str, language: str | None) -> str:
    return gettext(text)


@lru_cache(maxsize=10_000)
def _date(moment: datetime, format: str, language: str | None) -> str:
    """Return the time in the format of the active language. Times of messages are in UTC."""
    return date(moment, format)


def _url(name: str, *ids: uuid.UUID) -> str:
    return _pattern(name, len(ids)).format(*ids)


@cache
def _pattern(name: str, ids: int) -> str:
    """Return the URL with a placeholder for each id."""
    examples = [uuid.UUID(int=number) for number in range(ids)]
    pattern = reverse(name, args=examples)
    for example in examples:
        pattern = pattern.replace(str(example), "{}")
    return pattern
