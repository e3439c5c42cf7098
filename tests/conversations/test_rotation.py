"""A new key: data keys are wrapped anew while people chat, and cut off at any moment."""

from __future__ import annotations

from itertools import islice

import pytest
from django.core.management import CommandError, call_command

from chatflow.environment import new_message_key
from conversations import checks
from conversations.models import Conversation
from conversations.rotation import Outcome, StoredKeys, rewrap
from conversations.services import start_group

NOBODYS = b"not a key"


@pytest.fixture
def groups(alice, bob, carol, say):
    """Seven conversations, with something said in each."""
    made = [
        start_group(user=alice, title=f"{number}", usernames=["bob", "carol"])
        for number in range(7)
    ]
    for group in made:
        say(alice, group, f"hello {group.title}")
    return made


@pytest.fixture
def new_key(settings, groups):
    """Comes first from now on; the old one stays."""
    key = new_message_key()
    settings.MESSAGE_KEYS = (key, *settings.MESSAGE_KEYS)
    return key


@pytest.fixture
def rotate(capsys):
    """rotate() is what the command says."""

    def run(*arguments):
        call_command("rotate_keys", *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def heard(program, bob):
    """heard() is the last thing that bob reads in each conversation."""

    def read():
        rows = program(bob).get("/conversations").json()["results"]
        return sorted(row["last_message"]["body"] for row in rows)

    return read


def wrapped_keys():
    return [wrapped for _id, wrapped in StoredKeys()]


def test_afterwards_the_new_key_alone_reads_everything(new_key, rotate, heard, settings):
    before = heard()

    said = rotate()

    settings.MESSAGE_KEYS = (new_key,)
    assert "7 re-wrapped.\n0 under the first key already." in said
    assert heard() == before == [f"hello {number}" for number in range(7)]
    assert checks.message_keys_open_what_is_stored(databases=["default"]) == []


def test_messages_are_not_touched(new_key, rotate, groups):
    sealed = [bytes(message.sealed_body) for group in groups for message in group.messages.all()]

    rotate()

    assert sealed == [bytes(each.sealed_body) for group in groups for each in group.messages.all()]


def test_a_second_time_there_is_nothing_to_do(new_key, rotate):
    rotate()
    before = wrapped_keys()

    assert "0 re-wrapped.\n7 under the first key already." in rotate()
    assert wrapped_keys() == before


def test_what_was_cut_off_goes_on_where_it_was(new_key, rotate, heard):
    for key in islice(StoredKeys(), 3):
        rewrap(*key)
    assert heard() == [f"hello {number}" for number in range(7)]

    assert "4 re-wrapped.\n3 under the first key already." in rotate()


def test_half_done_the_old_key_may_not_be_dropped(new_key, rotate, settings):
    for key in islice(StoredKeys(), 3):
        rewrap(*key)

    with pytest.raises(CommandError, match=r"^4 conversations need the older key"):
        rotate("--check")
    settings.MESSAGE_KEYS = (new_key,)
    [error] = checks.message_keys_open_what_is_stored(databases=["default"])
    assert error.msg.startswith("MESSAGE_KEYS cannot read what is stored.")


def test_the_start_looks_at_both_ends_where_it_cannot_look_at_all(new_key, settings, monkeypatch):
    monkeypatch.setattr(checks, "SAMPLE", 1)
    for key in islice(StoredKeys(), 6):
        rewrap(*key)

    settings.MESSAGE_KEYS = (new_key,)

    assert checks.message_keys_open_what_is_stored(databases=["default"]) != []


def test_the_check_changes_nothing_and_says_when_the_old_key_may_go(new_key, rotate):
    before = wrapped_keys()
    with pytest.raises(CommandError, match=r"^7 conversations need the older key"):
        rotate("--check")
    assert wrapped_keys() == before

    rotate()

    assert "All 7 conversations are under the first key" in rotate("--check")


def test_what_nobody_can_read_is_left_alone_and_told(new_key, rotate, groups):
    Conversation.objects.filter(id=groups[0].id).update(wrapped_key=NOBODYS)

    with pytest.raises(CommandError, match=r"^1 not readable with any of MESSAGE_KEYS"):
        rotate()

    assert bytes(Conversation.objects.get(id=groups[0].id).wrapped_key) == NOBODYS
    with pytest.raises(CommandError, match=r"^1 conversations are not readable"):
        rotate("--check")


def test_a_key_that_changed_meanwhile_is_not_written_over(new_key):
    [key, *_others] = StoredKeys()
    rewrap(*key)
    before = wrapped_keys()

    assert rewrap(*key) == Outcome.NEW_ALREADY
    assert wrapped_keys() == before


def test_all_pages_are_seen(new_key, rotate, monkeypatch):
    monkeypatch.setattr("conversations.rotation.PAGE", 2)

    assert "7 re-wrapped." in rotate()


def test_with_no_conversation_there_is_nothing_to_rotate(db, rotate):
    assert "0 re-wrapped." in rotate()
    assert "All 0 conversations" in rotate("--check")


@pytest.mark.django_db(transaction=True)
def test_people_go_on_writing(new_key, rotate, groups, alice, bob, say, together, settings):
    def write(user):
        return lambda: [say(user, group, f"{user.username} goes on") for group in groups]

    together(write(alice), write(bob), lambda: call_command("rotate_keys"), times=3)

    settings.MESSAGE_KEYS = (new_key,)
    for group in groups:
        group.refresh_from_db()
        bodies = [message.body for message in group.messages.order_by("seq")]
        assert [bodies.count(f"{name} goes on") for name in ("alice", "bob")] == [3, 3]
        assert [message.seq for message in group.messages.order_by("seq")] == list(range(1, 9))
