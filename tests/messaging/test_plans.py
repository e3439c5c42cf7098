"""PostgreSQL uses an index for every frequent query when the tables are large.

The queries are recorded while the services run, and explained afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.admin import ModelAdmin, site
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.auth.authentication import find_login
from accounts.models import Block, Login, User
from accounts.services import block, find_users, open_login
from conversations.access import contacts_among, find_membership
from conversations.admin import ConversationAdmin
from conversations.listing import (
    count_unread_chats,
    list_archived,
    list_conversations,
    list_members,
    list_sidebar,
    recent_people,
    show_conversation,
    sync_states,
)
from conversations.models import Conversation, Membership
from conversations.services import change_settings, save_draft, start_direct
from messaging import history, services
from messaging.attachments.models import Attachment
from messaging.attachments.services import find_attachment, find_unused
from messaging.models import AuditEntry, Message, Report
from messaging.moderation.actions import look_at, resolve
from messaging.moderation.admin import AuditEntryAdmin, ReportAdmin
from messaging.moderation.reports import report_message, report_person
from messaging.receipts import acknowledge, list_receipts
from messaging.search.results import Query, search
from tests.conftest import PROGRAM

pytestmark = [pytest.mark.services, pytest.mark.django_db]

PEOPLE = 2_000
GROUP_SIZE = 500
HISTORY = 50_000  # messages of the large group
CONVERSATIONS = 4_000  # besides it
EACH = 4  # members and messages of each of them
ALICE_IS_IN_EVERY = 45
REPORTS = 5_000
ATTACHMENTS = 5_000
PAGE_SIZE = 100
NOW = timezone.now()
# PostgreSQL may choose to read these tables, because they are small enough here.
SMALL = "accounts_user|accounts_nameword|accounts_block|conversations_conversation"
SEQUENTIAL = re.compile(rf"Seq Scan on (?!(?:{SMALL})\b)\w+_\w+")
# So each query is explained again without that choice: an index must find the rows of every table.
CHOICES = ("seqscan", "hashjoin", "mergejoin")
WHOLE_TABLE = re.compile(r"Seq Scan on \w+_\w+|Index (Only )?Scan .*\n(?!\s*Index Cond)")
UNORDERED = re.compile(r"Seq Scan on \w+_\w+|Sort Key")
HOT_QUERIES: dict[str, Callable[[SimpleNamespace], object]] = {
    "current login": lambda data: find_login(data.login.id),
    "active logins": lambda data: list(Login.objects.active().filter(user=data.alice)),
    "membership": lambda data: find_membership(data.alice, data.group.id),
    "newest page": lambda data: history.newest_page(data.alices),
    "page before": lambda data: history.page_before(data.alices, 30_000),
    "page after": lambda data: history.page_after(data.alices, 30_000),
    "page around": lambda data: history.page_around(data.alices, 30_000),
    "one message": lambda data: history.find_message(data.alices, data.message.id),
    "one attachment": lambda data: find_attachment(data.alices, data.attachment.id),
    "unused attachments": lambda data: find_unused(data.alices, [data.attachments[0].id]),
    "old unused attachments": lambda data: list(
        Attachment.objects.unused().uploaded_before(NOW - timedelta(days=1))[:PAGE_SIZE]
    ),
    "recent changes": lambda data: history.changes(data.alices, HISTORY - 10),
    "old changes": lambda data: history.changes(data.alices, 100),
    "conversations": lambda data: list_conversations(data.alice),
    "conversations after a cursor": lambda data: list_conversations(
        data.alice, cursor=list_conversations(data.alice, limit=20).next or ""
    ),
    "sidebar": lambda data: list_sidebar(data.alice),
    "one conversation": lambda data: show_conversation(data.alice, data.group.id),
    "members": lambda data: list_members(data.alices),
    "members after a cursor": lambda data: list_members(
        data.alices, cursor=list_members(data.alices, limit=20).next or ""
    ),
    "watermarks of a group": lambda data: data.group.memberships.active().least_watermarks(),
    "sync states": lambda data: sync_states(data.alice),
    "contacts": lambda data: contacts_among(data.alice, data.people[:20]),
    "people by prefix": lambda data: find_users(user=data.alice, text="pe", limit=20),
    "people by several words": lambda data: find_users(
        user=data.alice, text="@person_17", limit=20
    ),
    "people after a cursor": lambda data: find_users(
        user=data.alice, text="person", cursor="person/person_500", limit=20
    ),
    "search": lambda data: search(user=data.alice, query=Query("hello")),
    "send": lambda data: services.send_message(membership=data.alices, body="hi"),
    "reply": lambda data: services.send_message(
        membership=data.alices, body="hi", reply_to=data.message.id
    ),
    "edit": lambda data: services.edit_message(
        membership=data.alices, message_id=data.message.id, body="ho"
    ),
    "delete": lambda data: services.delete_message(
        membership=data.alices, message_id=data.message.id
    ),
    "react": lambda data: services.react(
        membership=data.alices, message_id=data.message.id, emoji="🌻"
    ),
    "acknowledge": lambda data: acknowledge(membership=data.bobs, read_seq=40_000),
    "archive": lambda data: list_archived(
        data.alice, cursor=list_archived(data.alice, cursor="").next or ""
    ),
    "recent people": lambda data: recent_people(data.alice),
    "unread chats": lambda data: count_unread_chats(data.alice),
    "receipts of a message": lambda data: list_receipts(data.alices, data.message),
    "settings": lambda data: change_settings(membership=data.alices, pinned=True),
    "draft": lambda data: save_draft(membership=data.alices, text="unsent"),
    "start a direct chat": lambda data: start_direct(user=data.alice, username="person_1999"),
    "user by username": lambda data: User.objects.named("person_7"),
    "user by login name": lambda data: User.objects.with_login_name("person_7@example.org"),
    "blocked users": lambda data: User.objects.blocked_by(data.people[0]),
    "block": lambda data: block(user=data.alice, username="person_7"),
    "report a message": lambda data: report_message(
        membership=data.bobs, message_id=data.message.id, reason="spam"
    ),
    "report a user": lambda data: report_person(user=data.bob, username="alice", reason="spam"),
    "one report": lambda data: look_at(
        report=Report.objects.for_display().get(id=data.report.id), by=data.people[0]
    ),
    "resolve a report": lambda data: resolve(
        report=data.report, resolution=Report.Resolution.REMOVED, by=data.people[0]
    ),
}
# The lists of the admin read the beginning of an index in its order, so they have no condition.
ADMIN_LISTS: dict[str, Callable[[SimpleNamespace], object]] = {
    "reports": lambda data: _first_page(ReportAdmin, Report, data.alice),
    "audit log": lambda data: _first_page(AuditEntryAdmin, AuditEntry, data.alice),
    "users": lambda data: _first_page(UserAdmin, User, data.alice),
    "conversations": lambda data: _first_page(ConversationAdmin, Conversation, data.alice),
}


@pytest.fixture
def data(alice, bob, group, say, crowd, membership) -> SimpleNamespace:
    """A group with many members and messages, and many small conversations beside it."""
    crowd(PEOPLE)
    people = list(User.objects.filter(username__startswith="person_"))
    _fill(Login(user=person, last_used_at=NOW) for person in people)
    _fill(Block(blocker=one, blocked=other) for one, other in pairwise(people))
    _fill(_membership(person, group) for person in people[:GROUP_SIZE])

    others = [_conversation(group.wrapped_key, number) for number in range(CONVERSATIONS)]
    _fill(iter(others))
    for number, other in enumerate(others):
        first = alice if number % ALICE_IS_IN_EVERY == 0 else people[number % PEOPLE]
        size = 2 if other.is_direct else EACH
        other.few = [first, *(people[(number + each) % PEOPLE] for each in range(1, size))]
    _fill(_membership(person, other) for other in others for person in other.few)

    message = say(alice, group, "hello")
    Conversation.objects.filter(id=group.id).update(last_seq=HISTORY, version=HISTORY)
    _fill_histories(like=message)
    _fill(_report(number, people) for number in range(REPORTS))
    _fill(
        AuditEntry(moderator=people[0], act="looked", person=report.person, report=report)
        for report in Report.objects.select_related("person")
    )
    attachments = [_attachment(number, group, alice) for number in range(ATTACHMENTS)]
    attachment = _attachment(ATTACHMENTS, group, alice)
    attachment.message = message
    _fill(iter([*attachments, attachment]))
    report, _is_new = report_message(
        membership=membership(bob, group), message_id=message.id, reason="spam"
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return SimpleNamespace(
        alice=alice,
        bob=bob,
        group=group,
        alices=membership(alice, group),
        bobs=membership(bob, group),
        login=open_login(user=alice, device=PROGRAM),
        message=message,
        attachment=attachment,
        attachments=attachments,
        people=people,
        report=Report.objects.for_display().get(id=report.id),
    )


def test_hot_queries_and_lists_of_the_admin_use_indexes(data):
    assert _slow_plans(_recorded(lambda _: Message.objects.filter(kind="?").exists(), data))
    assert _slow_plans(_recorded(lambda _: User.objects.filter(about="?").order_by("email"), data))

    hot = {name: _recorded(query, data) for name, query in HOT_QUERIES.items()}
    lists = {name: _recorded(query, data) for name, query in ADMIN_LISTS.items()}
    slow = [_slow_plans(queries) for queries in hot.values()]
    slow += [_matching_plans(queries, UNORDERED) for queries in lists.values()]

    assert not any(slow), "\n\n".join(filter(None, slow))
    queried = " ".join(sql for queries in (hot | lists).values() for sql in queries)
    assert [table for table in _tables() if f'"{table}"' not in queried] == []


def _tables() -> list[str]:
    apps_ = map(apps.get_app_config, ("accounts", "conversations", "messaging"))
    return [model._meta.db_table for app in apps_ for model in app.get_models()]


def _recorded(query: Callable[[SimpleNamespace], object], data: SimpleNamespace) -> list[str]:
    """Run the query and roll it back. Return the SQL statements that have a plan."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        list(result) if isinstance(result := query(data), QuerySet) else result
        transaction.set_rollback(True)
    statements = [each["sql"] for each in captured]
    planned = [
        sql for sql in statements if sql.startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))
    ]
    assert planned, "nothing was queried"
    return planned


def _slow_plans(queries: list[str]) -> str:
    """Return the queries and plans that read a large table from one end to the other."""
    return _matching_plans(queries, SEQUENTIAL, choices=()) + _matching_plans(queries, WHOLE_TABLE)


def _matching_plans(
    queries: list[str], pattern: re.Pattern[str], *, choices: Iterable[str] = CHOICES
) -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        for choice in choices:
            cursor.execute(f"SET LOCAL enable_{choice} = off")
        plans = [(sql, _plan(sql)) for sql in queries]
        transaction.set_rollback(True)
    return "\n".join(f"{sql}\n{plan}" for sql, plan in plans if pattern.search(plan))


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def _fill(rows: Iterator[Model]) -> None:
    rows = list(rows)
    type(rows[0]).objects.bulk_create(rows, batch_size=5_000)


def _fill_histories(*, like: Message) -> None:
    """Copy the message up to the `last_seq` of each conversation, with a reaction each.

    SQL does it, because creating as many objects would take minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """
            INSERT INTO messaging_message
            SELECT copy.*
            FROM messaging_message AS original, conversations_conversation AS conversation
            CROSS JOIN generate_series(1, conversation.last_seq) AS number
            CROSS JOIN LATERAL jsonb_populate_record(original, jsonb_build_object(
                'id', gen_random_uuid(), 'conversation_id', conversation.id,
                'seq', number, 'version', number
            )) AS copy
            WHERE original.id = %s
            on conflict do nothing;

            INSERT INTO messaging_reaction (message_id, user_id, emoji, created_at)
            SELECT id, sender_id, '👍', created_at FROM messaging_message;

            INSERT INTO messaging_postinglist (key, postings)
            SELECT number, 'seqs' FROM generate_series(1, 50000) AS number;
            """,
            [like.id],
        )


def _conversation(key: bytes, number: int) -> Conversation:
    """Return an unsaved conversation; every tenth one is a direct chat."""
    is_direct = number % 10 == 5
    return Conversation(
        kind=Conversation.Kind.DIRECT if is_direct else Conversation.Kind.GROUP,
        direct_key=str(number) if is_direct else None,
        wrapped_key=key,
        last_seq=EACH,
        version=EACH,
        active_at=NOW - timedelta(minutes=number),
    )


def _membership(person: User, conversation: Conversation) -> Membership:
    return Membership(user=person, conversation=conversation, joined_at=NOW)


def _attachment(number: int, conversation: Conversation, uploader: User) -> Attachment:
    """Return an unsaved and unused file."""
    return Attachment(
        conversation=conversation,
        uploader=uploader,
        kind=Attachment.Kind.FILE,
        sealed_name=b"",
        size=1,
        stored_size=1,
        path=str(number),
    )


def _report(number: int, people: list[User]) -> Report:
    """Return an unsaved report about a user; every tenth one is open."""
    moderator = None if number % 10 == 0 else people[0]
    return Report(
        kind=Report.Kind.PERSON,
        reporter=people[number % PEOPLE],
        person=people[(number // PEOPLE + number + 1) % PEOPLE],
        reason=Report.Reason.SPAM,
        resolution=Report.Resolution.DISMISSED if moderator else "",
        resolved_by=moderator,
        resolved_at=moderator and NOW,
    )


def _first_page(admin_class: type[ModelAdmin], model: type[Model], moderator: User) -> object:
    """Load the rows of an admin list's first page. Its counts read the whole table in any case."""
    request = RequestFactory().get("/")
    request.user = moderator
    changelist_admin = admin_class(model, site)
    rows = changelist_admin.get_queryset(request).select_related(
        *(changelist_admin.list_select_related or ())
    )
    ordering = changelist_admin.get_ordering(request)
    return list((rows.order_by(*ordering) if ordering else rows)[:PAGE_SIZE])
