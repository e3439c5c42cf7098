"""Prepared queries return what the queryset returns, and build its SQL once."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, UUIDField
from django.db.models.functions import Greatest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from chatflow.db.prepared import PreparedQuery, PreparedRows, PreparedUpdate
from conversations.models import Conversation, Membership

pytestmark = pytest.mark.django_db

membership_of = PreparedQuery(
    lambda user_id, conversation_id: Membership.objects.filter(
        user=user_id, conversation_id=conversation_id
    ).select_related("user", "conversation"),
    user_id=UUIDField(),
    conversation_id=UUIDField(),
)
named = PreparedQuery(
    lambda name, since: User.objects.filter(username=name, created_at__gte=since),
    name=CharField(),
    since=DateTimeField(),
)

members_of = PreparedRows(
    lambda conversation_id: (
        Membership.objects.filter(conversation=conversation_id)
        .order_by("id")
        .values_list("user_id", "role")
    ),
    conversation_id=UUIDField(),
)


def test_rows_are_returned_as_converted_tuples(alice, bob, direct):
    assert members_of.all(conversation_id=direct.id) == [(alice.id, "member"), (bob.id, "member")]
    assert members_of.all(conversation_id=uuid.uuid4()) == []


def test_it_returns_the_object_with_its_related_objects(alice, direct):
    found = membership_of.first(user_id=alice.id, conversation_id=direct.id)

    with CaptureQueriesContext(connection) as queries:
        assert (found.user, found.conversation) == (alice, direct)
        assert found == Membership.objects.get(user=alice, conversation=direct)
        assert found.joined_at == Membership.objects.get(pk=found.pk).joined_at
    assert len(queries) == 2  # the two of this test


def test_other_values_find_other_objects(alice, bob, mallory, direct):
    found = [
        membership_of.first(user_id=user.id, conversation_id=direct.id)
        for user in (alice, bob, mallory)
    ]

    assert [membership and membership.user for membership in found] == [alice, bob, None]


def test_values_are_bound_and_never_part_of_the_sql(alice):
    hostile = "' OR 1=1 --"

    with CaptureQueriesContext(connection):
        assert named.all(name=hostile, since=alice.created_at) == []
    assert named.first(name="alice", since=alice.created_at) == alice
    assert named.first(name="alice", since=timezone.now()) is None


def test_the_sql_is_built_once(alice, direct):
    built = []

    def build(user_id):
        built.append(user_id)
        return User.objects.filter(id=user_id)

    query = PreparedQuery(build, user_id=UUIDField())

    assert query.first(user_id=alice.id) == query.first(user_id=alice.id) == alice
    assert query.first(user_id=uuid.uuid4()) is None
    assert len(built) == 1


def test_a_queryset_that_is_always_empty_returns_nothing(alice):
    nobody = PreparedQuery(lambda name: User.objects.filter(username=name)[:0], name=CharField())

    assert nobody.all(name="alice") == []


def test_a_missing_value_is_an_error(alice):
    with pytest.raises(KeyError):
        named.first(name="alice")


@pytest.mark.django_db(transaction=True)
def test_a_row_is_locked_like_the_queryset_would(direct):
    locked = PreparedQuery(
        lambda conversation_id: Conversation.objects.locked().filter(id=conversation_id),
        conversation_id=UUIDField(),
    )

    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        assert locked.first(conversation_id=direct.id) == direct

    expected = connection.features.has_select_for_update
    assert ("FOR UPDATE" in queries.captured_queries[0]["sql"]) == expected


@pytest.mark.django_db(transaction=True)
def test_threads_share_the_sql_and_not_the_connection(alice, direct):
    found = []

    def look() -> None:
        found.append(membership_of.first(user_id=alice.id, conversation_id=direct.id))
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [membership.user for membership in found] == [alice] * 4


def test_an_update_changes_the_rows_that_match(alice, bob, direct):
    advance = PreparedUpdate(
        lambda user_id, seq: Membership.objects.filter(user=user_id, read_seq__lt=seq),
        lambda user_id, seq: {"read_seq": Greatest("read_seq", seq), "pinned": True},
        user_id=UUIDField(),
        seq=BigIntegerField(),
    )

    assert advance.run(user_id=alice.id, seq=7) == 1
    assert advance.run(user_id=alice.id, seq=5) == 0
    assert advance.run(user_id=bob.id, seq=5) == 1
    assert dict(Membership.objects.values_list("user__username", "read_seq")) == {
        "alice": 7,
        "bob": 5,
    }
    assert set(Membership.objects.values_list("pinned", flat=True)) == {True}


def test_an_update_converts_its_values_like_the_field(direct):
    change = PreparedUpdate(
        lambda conversation_id, active_at, title: Conversation.objects.filter(id=conversation_id),
        lambda conversation_id, active_at, title: {"active_at": active_at, "title": title},
        conversation_id=UUIDField(),
        active_at=DateTimeField(),
        title=CharField(),
    )
    now = timezone.now()

    change.run(conversation_id=direct.id, active_at=now, title="100 % garden")

    direct.refresh_from_db()
    assert (direct.active_at, direct.title) == (now, "100 % garden")
