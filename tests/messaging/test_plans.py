"""How PostgreSQL finds what people ask for when there is much of it: by index, whoever asks.

The questions are those that the services really ask, heard on the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication import find_login
from accounts.models import Login, User
from accounts.services import open_login
from conversations.access import contacts_among, find_membership
from conversations.listing import list_conversations, list_members, list_sidebar, show_conversation
from conversations.models import Conversation, Membership
from messaging import history, services
from messaging.models import Message
from messaging.receipts import acknowledge
from messaging.search import Query, search
from tests.conftest import PROGRAM

pytestmark = [pytest.mark.services, pytest.mark.django_db]

PEOPLE = 2_000
GARDENERS = 500
HISTORY = 50_000  # of the Garden
GROUPS = 4_000  # besides it
EACH = 4  # people and messages of each of them
ALICE_IS_IN_EVERY = 40
NOW = timezone.now()
# Of people, a town is small enough for PostgreSQL to read through when it wants a quarter of them.
SLOW = re.compile(r"Seq Scan on (accounts_login|conversations_membership|messaging_\w+)")
QUESTIONS: dict[str, Callable[[SimpleNamespace], object]] = {
    "who is asking": lambda the: find_login(the.login.id),
    "where she is signed in": lambda the: list(Login.objects.living().filter(user=the.alice)),
    "whether she may": lambda the: find_membership(the.alice, the.garden.id),
    "the newest page": lambda the: history.newest(the.hers),
    "what came before": lambda the: history.before(the.hers, 30_000),
    "what came after": lambda the: history.after(the.hers, 30_000),
    "what was said around it": lambda the: history.around(the.hers, 30_000),
    "one message": lambda the: history.find_message(the.hers, the.message.id),
    "what she has just missed": lambda the: history.changes(the.hers, HISTORY - 10),
    "what she has missed in a year": lambda the: history.changes(the.hers, 100),
    "the list": lambda the: list_conversations(the.alice),
    "the list further down": lambda the: list_conversations(
        the.alice, cursor=list_conversations(the.alice, limit=20).next or ""
    ),
    "the list of the page": lambda the: list_sidebar(the.alice),
    "a row of the list": lambda the: show_conversation(the.alice, the.garden.id),
    "the members": lambda the: list_members(the.hers),
    "how far all have come": lambda the: the.garden.memberships.active().least_watermarks(),
    "where it all stands": lambda the: Membership.objects.active().of(the.alice).heads(),
    "who shares a chat with her": lambda the: contacts_among(the.alice, the.people[:20]),
    "a word": lambda the: search(user=the.alice, query=Query("hello")),
    "to send": lambda the: services.send_message(membership=the.hers, body="hi"),
    "to reply": lambda the: services.send_message(
        membership=the.hers, body="hi", reply_to=the.message.id
    ),
    "to edit": lambda the: services.edit_message(
        membership=the.hers, message_id=the.message.id, body="ho"
    ),
    "to delete": lambda the: services.delete_message(
        membership=the.hers, message_id=the.message.id
    ),
    "to react": lambda the: services.react(
        membership=the.hers, message_id=the.message.id, emoji="🌻"
    ),
    "to have read it": lambda the: acknowledge(membership=the.his, read_seq=40_000),
}


@pytest.fixture
def town(alice, bob, group, say, crowd, membership) -> SimpleNamespace:
    """The Garden with many people and a long history, and around it groups as busy together."""
    crowd(PEOPLE)
    people = list(User.objects.filter(username__startswith="person_"))
    _fill(Login(user=person, last_used_at=NOW) for person in people)
    _fill(_place(person, group) for person in people[:GARDENERS])

    others = [_group(group.wrapped_key, number) for number in range(GROUPS)]
    _fill(iter(others))
    for number, other in enumerate(others):
        first = alice if number % ALICE_IS_IN_EVERY == 0 else people[number % PEOPLE]
        other.few = [first, *(people[(number + each) % PEOPLE] for each in range(1, EACH))]
    _fill(_place(person, other) for other in others for person in other.few)

    message = say(alice, group, "hello")
    Conversation.objects.filter(id=group.id).update(last_seq=HISTORY, version=HISTORY)
    _fill_histories(like=message)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return SimpleNamespace(
        alice=alice,
        garden=group,
        hers=membership(alice, group),
        his=membership(bob, group),
        login=open_login(user=alice, device=PROGRAM),
        message=message,
        people=people,
    )


def test_nothing_that_is_asked_all_day_reads_a_whole_table(town):
    assert _slow_queries(lambda _town: Message.objects.filter(kind="?").exists(), town)

    slow = {name: _slow_queries(question, town) for name, question in QUESTIONS.items()}

    assert not any(slow.values()), "\n\n".join(filter(None, slow.values()))


def _slow_queries(question: Callable[[SimpleNamespace], object], town: SimpleNamespace) -> str:
    """What it asks by reading a large table from one end to the other, and how."""
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        list(answer) if isinstance(answer := question(town), QuerySet) else answer
        transaction.set_rollback(True)
    plans = {query["sql"]: _plan(query["sql"]) for query in asked if _has_plan(query["sql"])}
    assert plans, "it asked nothing"
    return "\n".join(f"{sql}\n{plan}" for sql, plan in plans.items() if SLOW.search(plan))


def _has_plan(sql: str) -> bool:
    return sql.startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def _fill(rows: Iterator[Model]) -> None:
    rows = list(rows)
    type(rows[0]).objects.bulk_create(rows, batch_size=5_000)


def _fill_histories(*, like: Message) -> None:
    """Up to the last_seq of each conversation, liked and findable; too much for objects."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """
            INSERT INTO messaging_message
            SELECT copy.*
            FROM messaging_message AS line, conversations_conversation AS conversation
            CROSS JOIN generate_series(1, conversation.last_seq) AS number
            CROSS JOIN LATERAL jsonb_populate_record(line, jsonb_build_object(
                'id', gen_random_uuid(), 'conversation_id', conversation.id,
                'seq', number, 'version', number
            )) AS copy
            WHERE line.id = %s
            ON CONFLICT DO NOTHING;

            INSERT INTO messaging_reaction (message_id, user_id, emoji, created_at)
            SELECT id, sender_id, '👍', created_at FROM messaging_message;

            INSERT INTO messaging_indexrow (key, postings)
            SELECT number, 'seqs' FROM generate_series(1, 50000) AS number;
            """,
            [like.id],
        )


def _group(key: bytes, number: int) -> Conversation:
    return Conversation(
        kind=Conversation.Kind.GROUP,
        wrapped_key=key,
        last_seq=EACH,
        version=EACH,
        active_at=NOW - timedelta(minutes=number),
    )


def _place(person: User, conversation: Conversation) -> Membership:
    return Membership(user=person, conversation=conversation, joined_at=NOW)
