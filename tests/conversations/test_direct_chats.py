"""Starting a direct chat: one a pair of people, whoever starts it."""

from __future__ import annotations

import pytest

from accounts.services import delete_account, suspend
from conversations.models import Conversation, Membership
from conversations.services import start_direct
from tests.conftest import PASSWORD


def start(client, *members):
    return client.post("/conversations", {"kind": "direct", "members": members})


def test_alice_starts_a_direct_chat_with_bob(program, alice, bob):
    answer = start(program(alice), "bob")

    chat = answer.json()
    assert answer.status_code == 201
    assert (chat["kind"], chat["title"], chat["member_count"]) == ("direct", "Bob", 2)
    assert (chat["last_seq"], chat["version"], chat["unread_count"]) == (0, 0, 0)
    assert chat["last_message"] is None
    assert chat["membership"] == {
        "role": "member",
        "delivered_seq": 0,
        "read_seq": 0,
        "muted_until": None,
        "archived": False,
        "pinned": False,
    }
    assert {member["user"]["username"] for member in chat["members"]} == {"alice", "bob"}


def test_each_sees_the_other_ones_name_and_picture(program, alice, bob, direct):
    alice.avatar = "avatars/alice.webp"
    alice.display_name = "Alice B."
    alice.save()

    seen = program(bob).get(f"/conversations/{direct.id}").json()

    assert (seen["title"], seen["avatar_url"]) == ("Alice B.", alice.avatar_url)
    assert alice.avatar_url


@pytest.mark.parametrize("name", ["bob", "BOB", " Bob "])
def test_starting_it_again_answers_the_one_that_exists(program, alice, direct, name):
    answer = start(program(alice), name)

    assert (answer.status_code, answer.json()["id"]) == (200, str(direct.id))


def test_bob_finds_the_one_that_alice_started(program, bob, direct):
    answer = start(program(bob), "alice")

    assert (answer.status_code, answer.json()["id"]) == (200, str(direct.id))


def test_its_title_is_a_name_and_cannot_be_chosen(program, alice, bob):
    asked = {"kind": "direct", "members": ["bob"], "title": "Ours", "color": "red"}

    answer = program(alice).post("/conversations", asked)

    assert answer.json()["title"] == "Bob"


@pytest.mark.parametrize(
    "members", [["alice"], ["nobody"], ["bob", "carol"], [], "bob", [7], ["\0"]]
)
def test_whom_alice_cannot_start_a_direct_chat_with(program, alice, bob, carol, members):
    answer = program(alice).post("/conversations", {"kind": "direct", "members": members})

    assert answer.status_code == 400
    assert all(field.startswith("members") for field in answer.json()["errors"])
    assert not Conversation.objects.exists()


def test_nobody_writes_to_a_suspended_person(program, alice, bob):
    suspend(user=bob)

    answer = start(program(alice), "bob")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["members"])


def test_nobody_writes_to_a_deleted_account(program, alice, bob):
    delete_account(user=bob, password=PASSWORD)

    assert start(program(alice), "bob").status_code == 400
    assert start(program(alice), bob.username).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/members", {"members": ["carol"]}),
        ("delete", "/members/bob", None),
        ("delete", "/members/alice", None),
        ("patch", "/members/bob", {"role": "admin"}),
        ("patch", "", {"title": "Ours"}),
    ],
)
def test_its_two_members_never_change(program, alice, direct, carol, method, path, body):
    answer = getattr(program(alice), method)(f"/conversations/{direct.id}{path}", body)

    assert answer.status_code == 403
    assert Membership.objects.active().in_conversation(direct.id).count() == 2


def test_the_sockets_of_both_join_it(alice, bob, announced):
    with announced() as events:
        direct, _is_new = start_direct(user=alice, username="bob")

    assert {(event.topic, event.joins) for event in events} == {
        (f"user.{alice.id}", str(direct.id)),
        (f"user.{bob.id}", str(direct.id)),
    }


def test_starting_it_again_is_no_news(alice, direct, announced):
    with announced() as events:
        start_direct(user=alice, username="bob")

    assert events == []


@pytest.mark.django_db(transaction=True)
def test_both_starting_it_at_once_is_one_chat(alice, bob, together):
    answers = together(
        *[lambda: start_direct(user=alice, username="bob")] * 5,
        *[lambda: start_direct(user=bob, username="alice")] * 5,
    )

    assert len({conversation.id for conversation, _is_new in answers}) == 1
    assert [is_new for _conversation, is_new in answers].count(True) == 1
    assert Membership.objects.count() == 2
