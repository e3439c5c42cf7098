"""What no page of ours would send breaks nothing, whatever the database makes of it."""

from __future__ import annotations

import pytest

from tests.test_authorization import CASES, METHODS, Act, Role, stage

__all__ = ["stage"]  # the fixture

ASKED_BY_GET = ("members", "next", "q", "search", "sender", "title", "token", "uid")


def with_a_nul(act: Act, method: str):
    """What is sent, with one field after the other; an address has them all at once."""
    if method == "GET":
        yield act.body | dict.fromkeys(ASKED_BY_GET, "\0")
        yield act.body | {"cursor": "\0"}
    for name, value in act.body.items():
        yield act.body | {name: ["\0"] if isinstance(value, list) else "\0"}


@pytest.mark.parametrize("method", METHODS)
def test_a_nul_is_no_error_of_ours(stage, method):
    """PostgreSQL refuses to be asked for one."""
    statuses = [
        stage.tries(Role.OWNER, method, route, Act(act.audience, body)).status_code
        for route, known, act in CASES
        if known == method
        for body in with_a_nul(act, method)
    ]

    assert 0 < max(statuses) < 500
