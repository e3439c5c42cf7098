"""Pages of a search are what reading everything and sorting it would give, however it was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.services import start_direct
from messaging import search as searching
from messaging.models import Message
from messaging.queries import Query
from messaging.search import search

CHATS, LINES = 9, 7
START = datetime(2026, 5, 1, tzinfo=UTC)
minutes = st.lists(st.integers(0, 5), min_size=CHATS * LINES, max_size=CHATS * LINES)


@pytest.fixture
def lines(alice, crowd, say, monkeypatch) -> list[list[Message]]:
    """Of each of alice's chats; every other one is about rain, and leaves are of four messages."""
    for module in ("index", "walks"):
        monkeypatch.setattr(f"messaging.{module}.SPAN", 4)
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


def said_at(lines: list[list[Message]], passed: list[int]) -> list[Message]:
    """So many minutes after one another, in each chat by itself; 0 is the very moment."""
    for chat in lines:
        at = START
        for message in chat:
            at += timedelta(minutes=passed.pop())
            message.created_at = at
    messages = [message for chat in lines for message in chat]
    Message.objects.bulk_update(messages, ["created_at"])
    return messages


@pytest.mark.parametrize("most_walks", [2, 400])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(passed=minutes, limit=st.integers(1, 40))
def test_the_newest_come_first_of_however_many_conversations(
    alice, lines, monkeypatch, most_walks, passed, limit
):
    monkeypatch.setattr(searching, "MOST_WALKS_A_STEP", most_walks)
    messages = said_at(lines, passed)
    newest_first = sorted(
        messages, key=lambda each: (each.created_at, each.conversation_id, each.seq), reverse=True
    )

    shown = list(pages(alice, "rain", limit))

    assert [each for page in shown for each in page] == [
        message.id for message in newest_first if message.seq % 2 == 0
    ]
    assert {len(page) for page in shown[:-1]} <= {limit}


def test_all_at_one_moment(alice, lines):
    Message.objects.update(created_at=START)

    shown = [each for page in pages(alice, "rain", 4) for each in page]

    assert len(shown) == len(set(shown)) == CHATS * (LINES // 2)


@pytest.mark.parametrize("bound", ["MOST_MESSAGES", "MOST_ROWS"])
def test_a_search_that_is_cut_short_goes_on_in_the_same_order(alice, lines, monkeypatch, bound):
    said_at(lines, [1, 2, 3] * (CHATS * LINES // 3))
    whole = [each for page in pages(alice, "rain", 100) for each in page]
    monkeypatch.setattr(searching, bound, 3)

    cut = list(pages(alice, "rain", 100))

    assert len(cut) > 2
    assert [each for page in cut for each in page] == whole
