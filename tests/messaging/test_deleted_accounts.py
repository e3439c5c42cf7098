"""What stays of somebody whose account is deleted: the messages, and no name."""

from __future__ import annotations

import pytest

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


def test_her_messages_stay_without_a_sender(read, delete_alice, alice, direct, say):
    say(alice, direct, "hi")

    delete_alice()

    assert [(message["sender"], message["body"]) for message in read(direct)] == [(None, "hi")]


def test_she_is_nobody_in_quotes_and_in_the_list(
    program, read, delete_alice, alice, bob, direct, say
):
    quoted = say(alice, direct)
    say(bob, direct, reply_to=quoted.id)
    say(alice, direct)

    delete_alice()

    [row] = program(bob).get("/conversations").json()["results"]
    assert read(direct)[1]["reply_to"]["sender"] is None
    assert row["last_message"]["sender"] is None


def test_the_direct_chat_stays_under_another_title(program, delete_alice, alice, bob, direct):
    alice.avatar = "avatars/alice.webp"
    alice.save()

    delete_alice()

    [row] = program(bob).get("/conversations").json()["results"]
    assert (row["id"], row["title"]) == (str(direct.id), "Deleted account")
    assert row["avatar_url"] is None


def test_bob_may_still_write_there(program, delete_alice, bob, direct):
    delete_alice()

    answer = program(bob).post(f"/conversations/{direct.id}/messages", {"body": "bye"})

    assert answer.status_code == 201


def test_receipts_name_nobody(program, delete_alice, bob, direct, say):
    message = say(bob, direct)

    delete_alice()

    answer = program(bob).get(f"/conversations/{direct.id}/messages/{message.id}/receipts")
    assert answer.json()["results"] == [{"user": None, "delivered": False, "read": False}]


def test_her_groups_go_on_with_another_owner(read, delete_alice, alice, carol, group):
    delete_alice()

    owner = Membership.objects.active().get(conversation=group, role="owner")
    assert owner.user == carol
    assert not Membership.objects.active().in_conversation(group.id).of(alice).exists()
    assert [message["body"] for message in read(group)][-2:] == [
        "Alice left",
        "Carol is now the owner",
    ]


def test_nobody_waits_for_her_to_read(delete_alice, alice, bob, carol, group, announced):
    Membership.objects.in_conversation(group.id).exclude(user=alice).update(
        delivered_seq=3, read_seq=3
    )

    with announced():
        delete_alice()

    group.refresh_from_db()
    assert (group.delivered_seq, group.read_seq) == (3, 3)


def test_her_name_comes_free_and_her_direct_chats_do_not_follow_it(
    program, delete_alice, person, bob, direct
):
    delete_alice()
    person("alice")

    answer = program(bob).post("/conversations", {"kind": "direct", "members": ["alice"]})

    assert answer.status_code == 201
    assert answer.json()["id"] != str(direct.id)


def test_what_is_told_of_her_after_that_names_nobody(
    read, delete_alice, alice, bob, direct, say, membership
):
    message = say(alice, direct)
    delete_alice()

    reacted = react(membership=membership(bob, direct), message_id=message.id, emoji="👍")

    assert reacted.sender.is_deleted
    assert read(direct)[0]["sender"] is None
