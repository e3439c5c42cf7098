"""The search index: it reveals no text, follows edits and deletions, and can be rebuilt."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation
from messaging.models import Message, PostingList
from messaging.search import postings, rebuild
from messaging.search.blind_index import BlindIndexKey
from messaging.search.prefixes import MAX_PREFIXES, TAIL_LENGTH, Prefix, prefixes_in, sender_prefix
from messaging.search.query import Query
from messaging.search.results import search
from messaging.services import delete_message, edit_message

CANARY = "canary"


@pytest.fixture
def small(monkeypatch):
    """Let segments have four messages, so that a few messages need superblocks."""
    for module in ("postings", "rebuild", "scan"):
        monkeypatch.setattr(f"messaging.search.{module}.FAN_OUT", 4)


def rows():
    """Return the posting lists by key; the order of postings has no meaning."""
    return {
        key: sorted(bytes(postings))
        for key, postings in PostingList.objects.values_list("key", "postings")
    }


def bodies(user, text):
    page = search(user=user, query=Query(text), limit=100)
    return [found.message.body for found in page.results]


# --- confidentiality -----------------------------------------------------------------------------


def test_index_does_not_contain_text(alice, direct, say):
    say(alice, direct, f"{CANARY} sings")

    stored = [bytes(row.postings) for row in PostingList.objects.all()]

    assert stored
    assert not [row for row in stored for part in (b"can", b"sin", CANARY.encode()) if part in row]
    assert bodies(alice, CANARY) == [f"{CANARY} sings"]


def test_equal_words_of_two_conversations_have_different_hashes(alice, direct, group, say):
    say(alice, direct, CANARY)
    before = rows()
    say(alice, group, CANARY)

    assert all(rows()[key] == postings for key, postings in before.items())
    assert len(rows()) == 2 * len(before)


def test_equal_words_of_two_segments_have_different_hashes(direct):
    index_key = BlindIndexKey(direct)
    prefix = Prefix("can", "ary")

    assert index_key.segment_key(0, prefix) != index_key.segment_key(1, prefix)
    assert index_key.posting(0, prefix, 0) != index_key.posting(1, prefix, 0)


def test_index_stays_valid_when_message_keys_are_rotated(alice, direct, say, settings):
    say(alice, direct, CANARY)
    old, new = settings.MESSAGE_KEYS[0], Fernet.generate_key().decode()
    conversation = Conversation.objects.get(id=direct.id)

    both = MultiFernet([Fernet(new), Fernet(old)])
    conversation.wrapped_key = both.rotate(bytes(conversation.wrapped_key))
    conversation.save(update_fields=["wrapped_key"])
    settings.MESSAGE_KEYS = (new,)

    assert bodies(alice, CANARY) == [CANARY]


# --- edit and delete -----------------------------------------------------------------------------


def test_deleted_message_leaves_no_postings(alice, direct, say, membership, small):
    for number in range(6):
        say(alice, direct, f"line {number}")
    before = rows()
    message = say(alice, direct, f"{CANARY} sings")
    assert len(rows()) > len(before)

    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert rows() == before


def test_edited_message_has_the_same_postings_as_a_new_one(alice, direct, say, membership, small):
    for number in range(6):
        say(alice, direct, f"line {number}")
    message = say(alice, direct, f"{CANARY} canaries sing")
    edit_message(membership=membership(alice, direct), message_id=message.id, body="canaries swing")
    edited = rows()

    rebuild.rebuild_index()

    assert rows() == edited


def test_rolled_back_message_is_not_in_the_index(alice, direct, say):
    with transaction.atomic():
        say(alice, direct, CANARY)
        assert bodies(alice, CANARY) == [CANARY]
        transaction.set_rollback(True)

    assert rows() == {}


# --- the SQL statement that appends --------------------------------------------------------------


def test_append_keeps_arbitrary_bytes(db):
    postings.append_postings({-5: b"\0\xff", 2**62: b"\x80"})
    postings.append_postings({-5: b"\xfe\0"})

    stored = {row.key: bytes(row.postings) for row in PostingList.objects.all()}
    assert stored == {-5: b"\0\xff\xfe\0", 2**62: b"\x80"}


def test_append_does_not_repeat_the_last_posting(db):
    for segment in (1, 1, 2, 2):
        postings.append_postings({7: bytes([segment])})

    assert bytes(PostingList.objects.get(key=7).postings) == b"\1\2"


# --- many segments -------------------------------------------------------------------------------


def test_words_are_found_in_every_segment(alice, direct, say, small):
    said = [f"line {number} {'odd' if number % 2 else 'even'}" for number in range(40)]
    for body in said:
        say(alice, direct, body)

    assert bodies(alice, "line") == said[::-1]
    assert bodies(alice, "odd") == said[1::2][::-1]
    assert bodies(alice, "0 even") == ["line 0 even"]
    assert bodies(alice, "39 even") == []


def test_unknown_word_is_rejected_by_superblock_lists(alice, direct, say, small, costs):
    for number in range(40):
        say(alice, direct, f"line {number}")

    with costs(3):  # memberships, lists of superblocks, lists of the first segment
        search(user=alice, query=Query("unheard of"), limit=20)


def test_superblocks_tell_words_with_the_same_prefix_apart(alice, direct, say, small, costs):
    for number in range(40):
        say(alice, direct, f"line {number}")

    with costs(3):
        search(user=alice, query=Query("linden"), limit=20)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_index_finds_every_indexed_word(direct, text):
    index_key = BlindIndexKey(direct)
    for prefix in prefixes_in(text, sender_id=None):
        posting = index_key.posting(3, prefix, 200)
        for known in range(TAIL_LENGTH + 1):
            asked = prefix if prefix.tail is None else Prefix(prefix.text, prefix.tail[:known])
            assert index_key.positions(3, asked, posting) == {200}


# --- rebuilding ----------------------------------------------------------------------------------


@pytest.fixture
def talk(alice, bob, direct, group, say, small, membership):
    for number in range(10):
        say(alice, direct, f"line {number}")
        say(bob, group, f"row {number}")
    gone = say(bob, direct, CANARY)
    delete_message(membership=membership(bob, direct), message_id=gone.id)


def test_rebuilding_writes_the_same_index(talk):
    before = rows()

    rebuild.rebuild_index()
    rebuild.rebuild_index()

    assert rows() == before


def test_command_rebuilds_both_indexes(alice, talk, capsys):
    rebuild.clear_index()
    assert rows() == {}
    assert bodies(alice, "line") == []

    call_command("rebuild_search")

    assert len(bodies(alice, "line")) == 10
    assert "segments of messages" in capsys.readouterr().out


def test_interrupted_rebuild_can_be_repeated(alice, talk, monkeypatch):
    before = rows()
    put, done = rebuild.put_segment, []

    def put_or_interrupt(conversation, segment, said):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((conversation.id, segment))
        put(conversation, segment, said)

    monkeypatch.setattr(rebuild, "put_segment", put_or_interrupt)
    with pytest.raises(KeyboardInterrupt):
        rebuild.rebuild_index()
    monkeypatch.setattr(rebuild, "put_segment", put)
    rebuild.rebuild_index()

    assert rows() == before


def test_messages_changed_during_a_rebuild_are_indexed(alice, direct, talk, say, membership):
    rebuild.clear_index()
    alices = membership(alice, direct)
    first, second = Message.objects.filter(conversation=direct).order_by("seq")[:2]
    say(alice, direct, "line in between")
    edit_message(membership=alices, message_id=first.id, body="changed")
    delete_message(membership=alices, message_id=second.id)

    rebuild.rebuild_index()

    assert len(bodies(alice, "line")) == 9
    assert bodies(alice, "changed") == ["changed"]
    assert len(bodies(alice, "line between")) == 1


def test_rebuild_skips_conversations_with_unreadable_keys(alice, direct, talk):
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    rebuild.rebuild_index()

    assert len(bodies(alice, "row")) == 10


def test_index_table_has_two_columns(db):
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, PostingList._meta.db_table)

    assert [column.name for column in columns] == ["key", "postings"]


def test_number_of_prefixes_of_a_message_is_limited():
    text = "".join(chr(0x4E00 + number) for number in range(4096))

    prefixes = prefixes_in(text, sender_id=None)

    texts = {prefix.text for prefix in prefixes} - {sender_prefix(None).text}
    assert texts == set(text[:MAX_PREFIXES])
