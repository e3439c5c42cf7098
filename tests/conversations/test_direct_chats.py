"""Starting a direct chat. Two users have only one, whichever of them starts it."""

from __future__ import annotations

import pytest

from accounts.services import block, delete_account, suspend
from chatflow.live.events import Join
from conversations.models import Conversation, Membership
from conversations.services import start_direct
from tests.conftest import PASSWORD


def start(client, *members):
    return client.post("/conversations", {"kind": "direct", "members": members})


def test_user_starts_a_direct_chat(program, alice, bob):
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
        "marked_unread": False,
    }
    assert {member["user"]["username"] for member in chat["members"]} == {"alice", "bob"}


def test_title_and_avatar_are_those_of_the_other_person(program, alice, bob, direct):
    alice.avatar = "avatars/alice.webp"
    alice.display_name = "Alice B."
    alice.save()

    seen = program(bob).get(f"/conversations/{direct.id}").json()

    assert (seen["title"], seen["avatar_url"]) == ("Alice B.", alice.avatar_url)
    assert alice.avatar_url


@pytest.mark.parametrize("name", ["bob", "BOB", " Bob "])
def test_starting_it_again_returns_the_existing_chat(program, alice, direct, name):
    answer = start(program(alice), name)

    assert (answer.status_code, answer.json()["id"]) == (200, str(direct.id))


def test_other_person_starting_it_gets_the_existing_chat(program, bob, direct):
    answer = start(program(bob), "alice")

    assert (answer.status_code, answer.json()["id"]) == (200, str(direct.id))


def test_title_of_a_direct_chat_cannot_be_chosen(program, alice, bob):
    asked = {"kind": "direct", "members": ["bob"], "title": "Ours", "color": "red"}

    answer = program(alice).post("/conversations", asked)

    assert answer.json()["title"] == "Bob"


@pytest.mark.parametrize(
    "members", [["alice"], ["nobody"], ["bob", "carol"], [], "bob", [7], ["\0"]]
)
def test_invalid_members_are_refused(program, alice, bob, carol, members):
    answer = program(alice).post("/conversations", {"kind": "direct", "members": members})

    assert answer.status_code == 400
    assert all(field.startswith("members") for field in answer.json()["errors"])
    assert not Conversation.objects.exists()


def test_direct_chat_with_a_suspended_user_is_refused(program, alice, bob):
    suspend(user=bob)

    answer = start(program(alice), "bob")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["members"])


def test_direct_chat_with_a_deleted_account_is_refused(program, alice, bob):
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
def test_members_and_title_of_a_direct_chat_cannot_be_changed(
    program, alice, direct, carol, method, path, body
):
    answer = getattr(program(alice), method)(f"/conversations/{direct.id}{path}", body)

    assert answer.status_code == 403
    assert Membership.objects.active().in_conversation(direct.id).count() == 2


def test_sockets_of_both_members_join(alice, bob, announced):
    with announced() as events:
        direct, _is_new = start_direct(user=alice, username="bob")

    assert {(event.topic, event.control) for event in events} == {
        (f"user.{alice.id}", Join(str(direct.id))),
        (f"user.{bob.id}", Join(str(direct.id))),
    }


def test_starting_it_again_sends_no_event(alice, direct, announced):
    with announced() as events:
        start_direct(user=alice, username="bob")

    assert events == []


@pytest.mark.django_db(transaction=True)
def test_concurrent_starts_create_one_chat(alice, bob, together):
    answers = together(
        *[lambda: start_direct(user=alice, username="bob")] * 5,
        *[lambda: start_direct(user=bob, username="alice")] * 5,
    )

    assert len({conversation.id for conversation, _is_new in answers}) == 1
    assert [is_new for _conversation, is_new in answers].count(True) == 1
    assert Membership.objects.count() == 2


# --- before the first message, only the user who started the chat sees it in a list --------------


def listed(client):
    return [row["id"] for row in client.get("/conversations").json()["results"]]


def test_chat_without_messages_is_listed_for_its_starter_only(program, alice, bob, direct):
    assert listed(program(alice)) == [str(direct.id)]
    assert listed(program(bob)) == []


def test_first_message_lists_the_chat_for_the_other_person(program, alice, bob, direct, say):
    say(alice, direct)

    assert listed(program(bob)) == [str(direct.id)]


def test_starting_an_unlisted_chat_lists_it(program, bob, direct):
    client = program(bob)

    assert start(client, "alice").status_code == 200

    assert listed(client) == [str(direct.id)]


def test_member_can_open_an_unlisted_chat_by_its_id(program, bob, direct):
    assert program(bob).get(f"/conversations/{direct.id}").status_code == 200


def test_unlisted_chat_is_not_in_pages_and_search_filters(browser, bob, direct):
    client = browser(bob)

    for path in ("/", "/search"):
        assert str(direct.id) not in client.get(path).content.decode()


def test_first_message_announces_the_chat_to_the_other_person(alice, bob, direct, say, announced):
    with announced() as events:
        say(alice, direct)
    joined = [event.topic for event in events if isinstance(event.control, Join)]
    with announced() as later:
        say(alice, direct)

    assert joined == [f"user.{bob.id}"]
    assert [event for event in later if isinstance(event.control, Join)] == []


def test_hidden_first_message_does_not_announce_the_chat(alice, bob, direct, say, announced):
    block(user=bob, username="alice")

    with announced() as events:
        say(alice, direct)

    assert [event for event in events if isinstance(event.control, Join)] == []
