"""Concurrency limits refuse when they are full."""

from __future__ import annotations

import pytest

from chatflow.errors import Unavailable
from chatflow.limits.concurrency import ConcurrencyLimit


def test_entering_a_full_limit_is_refused_until_a_place_is_free():
    limit = ConcurrencyLimit(1, patience_seconds=0.01)

    for _ in range(2):
        with limit.taken(), pytest.raises(Unavailable), limit.taken():
            pass
