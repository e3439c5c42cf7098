"""The search's index: nothing readable, nothing left behind, and made anew whenever one likes."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from messaging import index, rebuilding
from messaging.ink import Ink, places_in
from messaging.models import Backlog, IndexRow, Message
from messaging.queries import Query
from messaging.search import search
from messaging.services import delete_message, edit_message
from messaging.stems import TAIL, Stem, stems_in

CANARY = "canary"


@pytest.fixture
def small(monkeypatch):
    """Leaves of four messages, so that few of them need branches."""
    for module in ("index", "rebuilding", "walks"):
        monkeypatch.setattr(f"messaging.{module}.SPAN", 4)


def rows():
    """What is in the index; the order within a row means nothing."""
    return {
        key: sorted(bytes(postings))
        for key, postings in IndexRow.objects.values_list("key", "postings")
    }


def bodies(user, text):
    page = search(user=user, query=Query(text), limit=100)
    return [found.message.body for found in page.results]


# --- nothing readable ----------------------------------------------------------------------------


def test_nothing_that_was_said_is_in_the_index(alice, direct, say):
    say(alice, direct, f"{CANARY} sings")

    stored = [bytes(row.postings) for row in IndexRow.objects.all()]

    assert stored
    assert not [row for row in stored for part in (b"can", b"sin", CANARY.encode()) if part in row]
    assert bodies(alice, CANARY) == [f"{CANARY} sings"]


def test_the_same_word_in_two_conversations_has_nothing_in_common(alice, direct, group, say):
    say(alice, direct, CANARY)
    before = rows()
    say(alice, group, CANARY)

    assert all(rows()[key] == postings for key, postings in before.items())
    assert len(rows()) == 2 * len(before)


def test_the_same_word_in_two_leaves_goes_on_differently(direct):
    ink = Ink(direct)
    stem = Stem("can", "ary\0")
    first, second = ink.leaf(0, stem), ink.leaf(1, stem)

    assert first.key != second.key
    assert ink.posting(stem, 0, first.mask) != ink.posting(stem, 0, second.mask)


def test_new_message_keys_leave_the_index_as_it_is(alice, direct, say, settings):
    say(alice, direct, CANARY)
    old, new = settings.MESSAGE_KEYS[0], Fernet.generate_key().decode()
    conversation = Conversation.objects.get(id=direct.id)

    both = MultiFernet([Fernet(new), Fernet(old)])
    conversation.wrapped_key = both.rotate(bytes(conversation.wrapped_key))
    conversation.save(update_fields=["wrapped_key"])
    settings.MESSAGE_KEYS = (new,)

    assert bodies(alice, CANARY) == [CANARY]


# --- nothing left behind -------------------------------------------------------------------------


def test_deleting_leaves_no_trace_of_a_message(alice, direct, say, membership, small):
    for number in range(6):
        say(alice, direct, f"line {number}")
    before = rows()
    message = say(alice, direct, f"{CANARY} sings")
    assert len(rows()) > len(before)

    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert rows() == before


def test_editing_leaves_what_sending_it_so_would_have(alice, direct, say, membership, small):
    for number in range(6):
        say(alice, direct, f"line {number}")
    message = say(alice, direct, f"{CANARY} canaries sing")
    edit_message(membership=membership(alice, direct), message_id=message.id, body="canaries swing")
    edited = rows()

    rebuild_afresh()

    assert rows() == edited


def test_what_is_not_sent_after_all_is_not_in_the_index(alice, direct, say):
    with transaction.atomic():
        say(alice, direct, CANARY)
        assert bodies(alice, CANARY) == [CANARY]
        transaction.set_rollback(True)

    assert rows() == {}


# --- the one statement that is written by hand ---------------------------------------------------


def test_postings_are_appended_as_they_are(db):
    index._append({-5: b"\0\xff", 2**62: b"\x80"})
    index._append({-5: b"\xfe\0"})

    stored = {row.key: bytes(row.postings) for row in IndexRow.objects.all()}
    assert stored == {-5: b"\0\xff\xfe\0", 2**62: b"\x80"}


def test_what_a_row_ends_with_is_not_said_again(db):
    for leaf in (1, 1, 2, 2):
        index._append({7: bytes([leaf])})

    assert bytes(IndexRow.objects.get(key=7).postings) == b"\1\2"


# --- many leaves ---------------------------------------------------------------------------------


def test_words_are_found_in_every_leaf(alice, direct, say, small):
    said = [f"line {number} {'odd' if number % 2 else 'even'}" for number in range(40)]
    for body in said:
        say(alice, direct, body)

    assert bodies(alice, "line") == said[::-1]
    assert bodies(alice, "odd") == said[1::2][::-1]
    assert bodies(alice, "0 even") == ["line 0 even"]
    assert bodies(alice, "39 even") == []


def test_what_was_never_said_is_known_from_few_rows(alice, direct, say, small, costs):
    for number in range(40):
        say(alice, direct, f"line {number}")

    with costs(3):  # the memberships, the branches, and the first leaf, which has none
        search(user=alice, query=Query("unheard of"), limit=20)


def test_a_rare_word_is_not_looked_for_where_a_common_one_begins_alike(
    alice, direct, say, small, costs
):
    for number in range(40):
        say(alice, direct, f"line {number}")

    with costs(3):
        search(user=alice, query=Query("linden"), limit=20)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_the_index_names_every_message_that_the_text_confirms(direct, text):
    ink = Ink(direct)
    for stem in stems_in(text, sender_id=None):
        mask = ink.leaf(3, stem).mask
        posting = ink.posting(stem, 200, mask)
        for known in range(TAIL + 1):
            asked = stem if stem.tail is None else Stem(stem.text, stem.tail[:known])
            assert places_in(posting, asked, ink.tail(asked), mask) == {200}


# --- made anew -----------------------------------------------------------------------------------


def rebuild_afresh():
    rebuilding.forget_everything()
    rebuilding.work_off_backlog()


@pytest.fixture
def talk(alice, bob, direct, group, say, small, membership):
    for number in range(10):
        say(alice, direct, f"line {number}")
        say(bob, group, f"row {number}")
    gone = say(bob, direct, CANARY)
    delete_message(membership=membership(bob, direct), message_id=gone.id)


def test_made_afresh_it_is_the_same(talk):
    before = rows()

    rebuild_afresh()
    rebuild_afresh()

    assert rows() == before
    assert not Backlog.objects.exists()


def test_what_was_said_before_there_was_an_index_is_found_after(alice, talk, capsys):
    rebuilding.forget_everything()
    assert rows() == {}
    assert bodies(alice, "line") == []

    call_command("rebuild_search")
    assert len(bodies(alice, "line")) == 10
    call_command("rebuild_search")

    assert "Nothing is left to do" in capsys.readouterr().out


def test_preparing_an_embedded_instance_makes_everything_be_found(alice, talk, settings):
    rebuilding.forget_everything()
    settings.DEBUG = settings.EMBEDDED = True

    call_command("prepare")

    assert len(bodies(alice, "line")) == 10


def test_killed_it_goes_on_where_it_was(alice, talk, monkeypatch):
    before = rows()
    rebuilding.forget_everything()
    put, done = rebuilding.put_leaf, []

    def put_or_die(conversation, leaf, said):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((conversation.id, leaf))
        put(conversation, leaf, said)

    monkeypatch.setattr(rebuilding, "put_leaf", put_or_die)
    with pytest.raises(KeyboardInterrupt):
        rebuilding.work_off_backlog()
    monkeypatch.setattr(rebuilding, "put_leaf", put)
    left = rebuilding.work_off_backlog()

    assert rows() == before
    assert left == sum(-(-each.last_seq // 4) for each in Conversation.objects.all()) - 3


def test_what_is_sent_edited_and_deleted_meanwhile_is_right(alice, direct, talk, say, membership):
    rebuilding.forget_everything()
    right = membership(alice, direct)
    first, second = Message.objects.filter(conversation=direct).order_by("seq")[:2]
    say(alice, direct, "line in between")
    edit_message(membership=right, message_id=first.id, body="changed")
    delete_message(membership=right, message_id=second.id)

    rebuilding.work_off_backlog()

    assert len(bodies(alice, "line")) == 9
    assert bodies(alice, "changed") == ["changed"]
    assert len(bodies(alice, "line between")) == 1


def test_a_conversation_that_cannot_be_read_holds_nothing_up(alice, direct, talk):
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    rebuild_afresh()

    assert len(bodies(alice, "row")) == 10
    assert not Backlog.objects.exists()


def test_the_index_is_a_plain_table_of_two_columns(db):
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, IndexRow._meta.db_table)

    assert [column.name for column in columns] == ["key", "postings"]
