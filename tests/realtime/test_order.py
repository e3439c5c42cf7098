"""Events come in any order, twice or not at all; they are given out by version."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatflow.realtime import Event
from chatflow.topics import MOST_EARLY, Order


def event(version: int) -> Event:
    return Event("conversation.1", json=str(version), version=version)


def versions(events: list[Event]) -> list[int]:
    return [each.version for each in events]


@given(st.permutations(range(8, 20)), st.lists(st.integers(0, 25)))
def test_whatever_comes_in_any_order_is_given_out_once_and_in_order(order, repeated):
    line = Order(7)

    given_out = [due for version in order for due in line.accept(event(version))]
    again = [due for version in repeated if version < 20 for due in line.accept(event(version))]

    assert versions(given_out) == list(range(8, 20))
    assert [each for each in again if each.version] == []
    assert not line.has_hole


def test_what_is_behind_a_hole_waits():
    line = Order(1)

    assert line.accept(event(3)) == []
    assert line.has_hole
    assert versions(line.accept(event(2))) == [2, 3]
    assert not line.has_hole


def test_a_hole_that_is_passed_stays_passed():
    line = Order(1)
    line.accept(event(3))
    line.accept(event(5))

    assert versions(line.pass_hole()) == [3]
    assert line.accept(event(2)) == []
    assert versions(line.pass_hole()) == [5]
    assert line.version == 5


def test_what_has_no_version_is_never_late():
    line = Order(9)
    line.accept(event(11))

    assert line.accept(event(0)) == [event(0)]


def test_after_a_restart_versions_count_from_there():
    line = Order(500)
    line.accept(event(502))

    line.restart(3)

    assert versions(line.accept(event(4))) == [4]
    assert not line.has_hole


def test_what_waits_is_bounded_and_what_is_due_is_not():
    line = Order(0)
    for version in range(2, MOST_EARLY + 100):
        line.accept(event(version))

    due = line.accept(event(1))

    assert versions(due) == list(range(1, MOST_EARLY + 2))
