"""Events arrive in any order, twice or not at all, and are returned by version."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatflow.live.events import Event
from chatflow.live.topics import MAX_EARLY_EVENTS, Order


def event(version: int) -> Event:
    return Event("conversation.1", json=str(version), version=version)


def versions(events: list[Event]) -> list[int]:
    return [each.version for each in events]


@given(st.permutations(range(8, 20)), st.lists(st.integers(0, 25)))
def test_events_in_any_order_are_returned_once_and_in_order(versions_, repeated):
    order = Order(7)

    returned = [due for version in versions_ for due in order.accept(event(version))]
    again = [due for version in repeated if version < 20 for due in order.accept(event(version))]

    assert versions(returned) == list(range(8, 20))
    assert [each for each in again if each.version] == []
    assert not order.has_gap


def test_events_behind_a_gap_wait():
    order = Order(1)

    assert order.accept(event(3)) == []
    assert order.has_gap
    assert versions(order.accept(event(2))) == [2, 3]
    assert not order.has_gap


def test_a_skipped_gap_stays_skipped():
    order = Order(1)
    order.accept(event(3))
    order.accept(event(5))

    assert versions(order.skip_gap()) == [3]
    assert order.accept(event(2)) == []
    assert versions(order.skip_gap()) == [5]
    assert order.version == 5


def test_events_without_version_are_always_due():
    order = Order(9)
    order.accept(event(11))

    assert order.accept(event(0)) == [event(0)]


def test_after_a_restart_versions_count_from_there():
    order = Order(500)
    order.accept(event(502))

    order.restart(3)

    assert versions(order.accept(event(4))) == [4]
    assert not order.has_gap


def test_the_number_of_waiting_events_is_bounded():
    order = Order(0)
    for version in range(2, MAX_EARLY_EVENTS + 100):
        order.accept(event(version))

    due = order.accept(event(1))

    assert versions(due) == list(range(1, MAX_EARLY_EVENTS + 2))
