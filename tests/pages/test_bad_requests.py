"""Requests with a NUL character, which PostgreSQL refuses, cause no server error."""

from __future__ import annotations

import pytest

from tests.test_authorization import CASES, METHODS, Act, Role, scenario

__all__ = ["scenario"]  # the fixture

QUERY_FIELDS = ("members", "next", "q", "search", "sender", "title", "token", "uid")


def bodies_with_a_nul(act: Act, method: str):
    """Yield the request's fields with a NUL in one field each, or in all of a query string."""
    if method == "GET":
        yield act.body | dict.fromkeys(QUERY_FIELDS, "\0")
        yield act.body | {"cursor": "\0"}
    for name, value in act.body.items():
        yield act.body | {name: ["\0"] if isinstance(value, list) else "\0"}


@pytest.mark.parametrize("method", METHODS)
def test_nul_characters_cause_no_server_error(scenario, method):
    statuses = [
        scenario.try_request(Role.OWNER, method, route, Act(act.audience, body)).status_code
        for route, known, act in CASES
        if known == method
        for body in bodies_with_a_nul(act, method)
    ]

    assert 0 < max(statuses) < 500
