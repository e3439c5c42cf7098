"""The figures of docs/scaling.md follow from docs/benchmark.json."""

from __future__ import annotations

from tests.load import capacity


def test_page_contains_the_figures_of_the_load_model():
    quoted = capacity.PAGE.read_text().partition(capacity.START)[2].partition(capacity.END)[0]

    assert quoted.strip() == capacity.tables()
