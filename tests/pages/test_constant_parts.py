"""The parts of a page that only depend on the language are rendered once in each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.template.loader import get_template
from django.utils.translation import override

from accounts.templatetags.components import constant

TEMPLATES = Path(settings.BASE_DIR) / "templates"
CONSTANT = sorted(
    {
        line.split('{% constant "')[1].split('"')[0]
        for path in TEMPLATES.rglob("*.html")
        for line in path.read_text().splitlines()
        if '{% constant "' in line
    }
)


@pytest.mark.parametrize("name", CONSTANT)
def test_constant_part_is_in_the_language_of_the_request(name):
    with override("en"):
        english = constant(name)
    with override("de"):
        german = constant(name)

    assert english != german
    with override("en"):
        assert constant(name) == english


@pytest.mark.parametrize("name", CONSTANT)
def test_constant_part_shows_nothing_of_a_user(name):
    for source in _sources(name):
        assert not [
            word for word in ("user.", "request", "membership", "csrf_token") if word in source
        ]


def test_changed_template_is_seen_at_once_in_development(settings, tmp_path, monkeypatch):
    settings.DEBUG = True
    monkeypatch.setattr(engines["django"].engine, "dirs", [tmp_path])
    (tmp_path / "_part.html").write_text("before")
    assert constant("_part.html") == "before"

    (tmp_path / "_part.html").write_text("after")
    for loader in engines["django"].engine.template_loaders:
        loader.reset()

    assert constant("_part.html") == "after"


def _sources(name: str) -> Iterator[str]:
    """Yield the source of a template and of those that it includes."""
    source = get_template(name).template.source
    yield source
    for included in source.split('{% include "')[1:]:
        yield from _sources(included.split('"')[0])
