"""What remains of a deleted account: its messages, but not its name."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import CHANGE, LogEntry

from accounts.services import delete_account
from conversations.models import Membership
from messaging.services import react
from tests.conftest import PASSWORD


@pytest.fixture
def read(program, bob):
    def ask(conversation):
        return program(bob).get(f"/conversations/{conversation.id}/messages").json()["results"]

    return ask


@pytest.fixture
def delete_alice(alice):
    return lambda: delete_account(user=alice, password=PASSWORD)


def test_messages_remain_without_a_sender(read, delete_alice, alice, direct, say):
    say(alice, direct, "hi")

    delete_alice()

    assert [(message["sender"], message["body"]) for message in read(direct)] == [(None, "hi")]


def test_quotes_and_last_messages_have_no_sender(
    program, read, delete_alice, alice, bob, direct, say
):
    quoted = say(alice, direct)
    say(bob, direct, reply_to=quoted.id)
    say(alice, direct)

    delete_alice()

    [row] = program(bob).get("/conversations").json()["results"]
    assert read(direct)[1]["reply_to"]["sender"] is None
    assert row["last_message"]["sender"] is None


def test_direct_chat_remains_with_a_neutral_title(program, delete_alice, alice, bob, direct, say):
    say(alice, direct)
    alice.avatar = "avatars/alice.webp"
    alice.save()

    delete_alice()

    [row] = program(bob).get("/conversations").json()["results"]
    assert (row["id"], row["title"]) == (str(direct.id), "Deleted account")
    assert row["avatar_url"] is None


def test_other_member_can_still_write_in_the_direct_chat(program, delete_alice, bob, direct):
    delete_alice()

    answer = program(bob).post(f"/conversations/{direct.id}/messages", {"body": "bye"})

    assert answer.status_code == 201


def test_receipts_do_not_name_the_user(program, delete_alice, bob, direct, say):
    message = say(bob, direct)

    delete_alice()

    answer = program(bob).get(f"/conversations/{direct.id}/messages/{message.id}/receipts")
    assert answer.json()["results"] == [{"user": None, "delivered": False, "read": False}]


def test_ownership_of_groups_passes_to_another_member(read, delete_alice, alice, carol, group):
    delete_alice()

    owner = Membership.objects.active().get(conversation=group, role="owner")
    assert owner.user == carol
    assert not Membership.objects.active().in_conversation(group.id).of(alice).exists()
    assert [message["body"] for message in read(group)][-2:] == [
        "Alice left",
        "Carol is now the owner",
    ]


def test_watermarks_ignore_the_deleted_member(delete_alice, alice, bob, carol, group, announced):
    Membership.objects.in_conversation(group.id).exclude(user=alice).update(
        delivered_seq=3, read_seq=3
    )

    with announced():
        delete_alice()

    group.refresh_from_db()
    assert (group.delivered_seq, group.read_seq) == (3, 3)


def test_username_becomes_available_without_its_old_direct_chats(
    program, delete_alice, person, bob, direct
):
    delete_alice()
    person("alice")

    answer = program(bob).post("/conversations", {"kind": "direct", "members": ["alice"]})

    assert answer.status_code == 201
    assert answer.json()["id"] != str(direct.id)


def test_later_changes_of_a_message_do_not_name_its_sender(
    read, delete_alice, alice, bob, direct, say, membership
):
    message = say(alice, direct)
    delete_alice()

    reacted = react(membership=membership(bob, direct), message_id=message.id, emoji="👍")

    assert reacted.sender.is_deleted
    assert read(direct)[0]["sender"] is None


def test_reactions_remain_without_a_username(
    program, read, delete_alice, alice, carol, group, say, membership
):
    message = say(carol, group)
    react(membership=membership(alice, group), message_id=message.id, emoji="👍")

    delete_alice()

    [shown] = [each for each in read(group) if each["id"] == str(message.id)]
    assert shown["reactions"] == [{"emoji": "👍", "users": [None]}]


def test_presence_is_unknown(program, delete_alice, bob, direct):
    delete_alice()

    members = program(bob).get(f"/conversations/{direct.id}").json()["members"]

    gone = [each["user"] for each in members if each["user"]["username"].startswith("deleted-")]
    assert [(user["online"], user["last_seen_at"]) for user in gone] == [(None, None)]


def test_log_of_the_admin_does_not_keep_the_username(person, delete_alice, alice):
    root = person("root", is_staff=True, is_superuser=True)
    LogEntry.objects.log_actions(root.id, [alice], CHANGE, single_object=True)
    entry = LogEntry.objects.get()
    assert entry.object_repr == "alice"

    delete_alice()

    entry.refresh_from_db()
    assert "alice" not in entry.object_repr
