"""The number of queries of a search hardly grows with the number of conversations."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation
from conversations.services import start_direct
from messaging.models import PostingList
from messaging.search.query import Query
from messaging.search.results import search


@pytest.fixture
def chats(alice, crowd, say, settings):
    """Return a function that starts so many conversations of alice with two messages each."""
    settings.THROTTLE_ON = False

    def make(number):
        for name in crowd(number):
            chat, _is_new = start_direct(user=alice, username=name)
            say(alice, chat, f"hello {name}")
            say(alice, chat, "how are you?")

    return make


@pytest.mark.parametrize(
    ("conversations", "text", "queries"),
    [
        (1, "hello", 8),
        (1, "unheard", 3),
        (200, "hello", 10),
        (200, "hello person_3", 10),
        (200, "person_199", 10),
        (200, "person_1", 10),
        (200, "unheard", 5),
    ],
)
def test_query_count_of_a_search(program, alice, chats, costs, conversations, text, queries):
    chats(conversations)
    client = program(alice)

    with costs(queries):
        answer = client.get("/messages", {"q": text, "limit": 20})

    assert answer.status_code == 200


def test_other_conversations_are_not_scanned_if_the_newest_fills_the_page(alice, chats, say):
    chats(40)
    newest = Conversation.objects.latest("active_at")
    for number in range(25):
        say(alice, newest, f"hello {number}")

    with CaptureQueriesContext(connection) as asked:
        page = search(user=alice, query=Query("hello"), limit=20)

    assert len(page.results) == 20
    [rows] = [each["sql"] for each in asked if PostingList._meta.db_table in each["sql"]]
    assert rows.count(",") == 1  # two columns, one row
