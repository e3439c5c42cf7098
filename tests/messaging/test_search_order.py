"""Pages contain the same results in the same order as if all messages were read and sorted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.services import start_direct
from messaging.models import Message
from messaging.search import results as searching
from messaging.search.query import Query
from messaging.search.results import search

CHATS, LINES = 9, 7
START = datetime(2026, 5, 1, tzinfo=UTC)
minutes = st.lists(st.integers(0, 5), min_size=CHATS * LINES, max_size=CHATS * LINES)


@pytest.fixture
def lines(alice, crowd, say, monkeypatch) -> list[list[Message]]:
    """Send messages in each of alice's chats, every other one about rain; segments have four."""
    for module in ("postings", "scan"):
        monkeypatch.setattr(f"messaging.search.{module}.FAN_OUT", 4)
    chats = [start_direct(user=alice, username=name)[0] for name in crowd(CHATS)]
    return [
        [say(alice, chat, f"rain {number}" if number % 2 else "sun") for number in range(LINES)]
        for chat in chats
    ]


def pages(user, text, limit):
    cursor = ""
    while cursor is not None:
        page = search(user=user, query=Query(text), cursor=cursor, limit=limit)
        yield [found.message.id for found in page.results]
        cursor = page.next


def set_times(lines: list[list[Message]], minutes_between: list[int]) -> list[Message]:
    """Set the minutes between consecutive messages of each chat, and return all messages."""
    for chat in lines:
        at = START
        for message in chat:
            at += timedelta(minutes=minutes_between.pop())
            message.created_at = at
    messages = [message for chat in lines for message in chat]
    Message.objects.bulk_update(messages, ["created_at"])
    return messages


@pytest.mark.parametrize("max_scans", [2, 400])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(minutes_between=minutes, limit=st.integers(1, 40))
def test_results_are_sorted_by_time(alice, lines, monkeypatch, max_scans, minutes_between, limit):
    monkeypatch.setattr(searching, "MAX_SCANS_PER_STEP", max_scans)
    messages = set_times(lines, minutes_between)
    newest_first = sorted(
        messages, key=lambda each: (each.created_at, each.conversation_id, each.seq), reverse=True
    )

    found = list(pages(alice, "rain", limit))

    assert [each for page in found for each in page] == [
        message.id for message in newest_first if message.seq % 2 == 0
    ]
    assert {len(page) for page in found[:-1]} <= {limit}


def test_messages_with_equal_timestamps_are_found_once(alice, lines):
    Message.objects.update(created_at=START)

    found = [each for page in pages(alice, "rain", 4) for each in page]

    assert len(found) == len(set(found)) == CHATS * (LINES // 2)


@pytest.mark.parametrize("bound", ["MAX_MESSAGES", "MAX_LISTS"])
def test_search_at_its_limit_continues_in_the_same_order(alice, lines, monkeypatch, bound):
    set_times(lines, [1, 2, 3] * (CHATS * LINES // 3))
    whole = [each for page in pages(alice, "rain", 100) for each in page]
    monkeypatch.setattr(searching, bound, 3)

    cut = list(pages(alice, "rain", 100))

    assert len(cut) > 2
    assert [each for page in cut for each in page] == whole
