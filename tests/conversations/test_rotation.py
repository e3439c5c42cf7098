"""Key rotation: data keys are wrapped again while users chat, and it may be interrupted."""

from __future__ import annotations

from itertools import islice

import pytest
from django.core.management import CommandError, call_command

from chatflow.secret_files import new_message_key
from conversations.encryption import checks
from conversations.encryption.rotation import Outcome, StoredKeys, rewrap
from conversations.models import Conversation
from conversations.services import start_group

UNKNOWN_KEY = b"not a key"


@pytest.fixture
def groups(alice, bob, carol, say):
    """Seven conversations with a message in each."""
    made = [
        start_group(user=alice, title=f"{number}", usernames=["bob", "carol"])
        for number in range(7)
    ]
    for group in made:
        say(alice, group, f"hello {group.title}")
    return made


@pytest.fixture
def new_key(settings, groups):
    """A new first key in MESSAGE_KEYS. The old one remains."""
    key = new_message_key()
    settings.MESSAGE_KEYS = (key, *settings.MESSAGE_KEYS)
    return key


@pytest.fixture
def rotate(capsys):
    """rotate() runs the command and returns its output."""

    def run(*arguments):
        call_command("rotate_keys", *arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture
def last_texts(program, bob):
    """last_texts() returns the last message of each of Bob's conversations."""

    def read():
        rows = program(bob).get("/conversations").json()["results"]
        return sorted(row["last_message"]["body"] for row in rows)

    return read


def wrapped_keys():
    return [wrapped for _id, wrapped in StoredKeys()]


def test_new_key_alone_decrypts_everything_after_the_rotation(
    new_key, rotate, last_texts, settings
):
    before = last_texts()

    output = rotate()

    settings.MESSAGE_KEYS = (new_key,)
    assert "7 re-wrapped.\n0 under the first key already." in output
    assert last_texts() == before == [f"hello {number}" for number in range(7)]
    assert checks.message_keys_open_what_is_stored(databases=["default"]) == []


def test_rotation_does_not_change_messages(new_key, rotate, groups):
    sealed = [bytes(message.sealed_body) for group in groups for message in group.messages.all()]

    rotate()

    assert sealed == [bytes(each.sealed_body) for group in groups for each in group.messages.all()]


def test_second_rotation_changes_nothing(new_key, rotate):
    rotate()
    before = wrapped_keys()

    assert "0 re-wrapped.\n7 under the first key already." in rotate()
    assert wrapped_keys() == before


def test_interrupted_rotation_continues(new_key, rotate, last_texts):
    for key in islice(StoredKeys(), 3):
        rewrap(*key)
    assert last_texts() == [f"hello {number}" for number in range(7)]

    assert "4 re-wrapped.\n3 under the first key already." in rotate()


def test_old_key_is_required_until_the_rotation_is_complete(new_key, rotate, settings):
    for key in islice(StoredKeys(), 3):
        rewrap(*key)

    with pytest.raises(CommandError, match=r"^4 conversations need the older key"):
        rotate("--check")
    settings.MESSAGE_KEYS = (new_key,)
    [error] = checks.message_keys_open_what_is_stored(databases=["default"])
    assert error.msg.startswith("MESSAGE_KEYS cannot read what is stored.")


def test_check_samples_both_ends_of_the_table(new_key, settings, monkeypatch):
    monkeypatch.setattr(checks, "SAMPLE", 1)
    for key in islice(StoredKeys(), 6):
        rewrap(*key)

    settings.MESSAGE_KEYS = (new_key,)

    assert checks.message_keys_open_what_is_stored(databases=["default"]) != []


def test_check_option_changes_nothing_and_reports_when_the_old_key_is_unused(new_key, rotate):
    before = wrapped_keys()
    with pytest.raises(CommandError, match=r"^7 conversations need the older key"):
        rotate("--check")
    assert wrapped_keys() == before

    rotate()

    assert "All 7 conversations are under the first key" in rotate("--check")


def test_unreadable_keys_are_kept_and_reported(new_key, rotate, groups):
    Conversation.objects.filter(id=groups[0].id).update(wrapped_key=UNKNOWN_KEY)

    with pytest.raises(CommandError, match=r"^1 not readable with any of MESSAGE_KEYS"):
        rotate()

    assert bytes(Conversation.objects.get(id=groups[0].id).wrapped_key) == UNKNOWN_KEY
    with pytest.raises(CommandError, match=r"^1 conversations are not readable"):
        rotate("--check")


def test_key_that_changed_meanwhile_is_not_overwritten(new_key):
    [key, *_others] = StoredKeys()
    rewrap(*key)
    before = wrapped_keys()

    assert rewrap(*key) == Outcome.UNCHANGED
    assert wrapped_keys() == before


def test_rotation_reads_all_pages(new_key, rotate, monkeypatch):
    monkeypatch.setattr("conversations.encryption.rotation.PAGE_SIZE", 2)

    assert "7 re-wrapped." in rotate()


def test_rotation_without_conversations_succeeds(db, rotate):
    assert "0 re-wrapped." in rotate()
    assert "All 0 conversations" in rotate("--check")


@pytest.mark.django_db(transaction=True)
def test_users_can_write_during_the_rotation(
    new_key, rotate, groups, alice, bob, say, together, settings
):
    def write(user):
        return lambda: [say(user, group, f"{user.username} goes on") for group in groups]

    together(write(alice), write(bob), lambda: call_command("rotate_keys"), times=3)

    settings.MESSAGE_KEYS = (new_key,)
    for group in groups:
        group.refresh_from_db()
        bodies = [message.body for message in group.messages.order_by("seq")]
        assert [bodies.count(f"{name} goes on") for name in ("alice", "bob")] == [3, 3]
        assert [message.seq for message in group.messages.order_by("seq")] == list(range(1, 9))
