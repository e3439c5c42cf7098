"""How many queries a search takes: few, and hardly more for two hundred conversations."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chatflow import limits
from conversations.models import Conversation
from conversations.services import start_direct
from messaging.models import IndexRow
from messaging.queries import Query
from messaging.search import search


@pytest.fixture
def chats(alice, crowd, say, monkeypatch):
    """chats(200) are that many conversations of alice, in each of which two lines are said."""
    monkeypatch.setattr(limits, "spend", lambda *_args, **_kwargs: None)

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
def test_a_search_has_its_price(program, alice, chats, costs, conversations, text, queries):
    chats(conversations)
    client = program(alice)

    with costs(queries):
        answer = client.get("/messages", {"q": text, "limit": 20})

    assert answer.status_code == 200


def test_what_one_conversation_answers_is_asked_of_no_other(alice, chats, say):
    chats(40)
    newest = Conversation.objects.latest("active_at")
    for number in range(25):
        say(alice, newest, f"hello {number}")

    with CaptureQueriesContext(connection) as asked:
        page = search(user=alice, query=Query("hello"), limit=20)

    assert len(page.results) == 20
    [rows] = [each["sql"] for each in asked if IndexRow._meta.db_table in each["sql"]]
    assert rows.count(",") == 1  # two columns, one row
