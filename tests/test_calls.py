"""The Python calls of the requests that people make most, as upper bounds.

`make bench ARGS="--only calls"` prints the counts. A count depends on the versions of Python and of
the libraries, so the bounds leave 10 % of room; a change that needs more has to say why.
"""

from __future__ import annotations

from tests.load.calls import GOALS, counts_of_requests

BOUNDS = {
    "send a message": 7_000,
    "conversation list": 21_500,
    "history page": 14_000,
    "chat page": 58_500,
    "chat pane by htmx": 25_000,
    "search": 28_000,
}


def test_requests_make_no_more_python_calls_than_their_bounds(db):
    counts = counts_of_requests()

    assert counts.keys() == BOUNDS.keys() == GOALS.keys()
    assert {name: count for name, count in counts.items() if count > BOUNDS[name]} == {}
