"""Blocking in a direct chat: nothing arrives, and the blocked person cannot tell."""

from __future__ import annotations

import json

import pytest

from accounts.services import block, unblock
from chatflow.live.events import user_topic
from conversations.services import add_members, leave, start_direct, start_group
from messaging.events import typing
from messaging.receipts import acknowledge


@pytest.fixture
def blocked(alice, bob, direct):
    """Alice has blocked Bob."""
    block(user=alice, username="bob")


def bodies(client, conversation):
    history = client.get(f"/conversations/{conversation.id}/messages").json()["results"]
    return [message["body"] for message in history]


def listed(client):
    return client.get("/conversations").json()["results"][0]


def test_blocker_sees_no_messages_of_the_blocked_user(program, alice, bob, direct, say, blocked):
    say(bob, direct, "let me in")

    client = program(alice)
    assert bodies(client, direct) == []
    assert client.get(f"/conversations/{direct.id}/changes?since=0").json()["messages"] == []
    assert (listed(client)["last_message"], listed(client)["unread_count"]) == (None, 0)


def test_blocked_user_sees_their_message_as_sent(
    program, alice, bob, direct, say, blocked, membership
):
    say(bob, direct, "let me in")
    acknowledge(membership=membership(alice, direct), read_seq=1)

    client = program(bob)
    message = client.get(f"/conversations/{direct.id}/messages").json()["results"][0]
    assert (message["body"], message["status"]) == ("let me in", "sent")
    assert (listed(client)["delivered_seq"], listed(client)["read_seq"]) == (0, 0)


def test_hidden_message_is_sent_to_its_sender_and_only_its_version_to_the_blocker(
    alice, bob, direct, say, announced, blocked
):
    with announced() as events:
        say(bob, direct, "let me in")

    news = {event.topic: event.json for event in events if event.json}
    assert list(news) == [user_topic(bob.id), user_topic(alice.id)]
    assert "let me in" in news[user_topic(bob.id)]
    assert json.loads(news[user_topic(alice.id)]) == {
        "type": "version",
        "conversation": str(direct.id),
        "version": 1,
    }
    assert [event.version for event in events] == [1, 0, 0]


def test_typing_of_a_blocked_user_is_not_announced(bob, direct, announced, blocked, membership):
    with announced() as events:
        typing(membership=membership(bob, direct), active=True)

    assert events == []


def test_blocker_sees_the_last_visible_message_in_the_list(program, alice, bob, direct, say):
    say(alice, direct, "hello")
    block(user=alice, username="bob")
    say(bob, direct, "let me in")

    assert listed(program(alice))["last_message"]["body"] == "hello"


def test_hidden_messages_stay_hidden_after_unblocking(program, alice, bob, direct, say, blocked):
    say(bob, direct, "let me in")
    unblock(user=alice, username="bob")

    say(bob, direct, "thank you")

    assert bodies(program(alice), direct) == ["thank you"]
    assert listed(program(alice))["unread_count"] == 1


def test_hidden_messages_do_not_count_as_unread_once_the_others_are_read(
    program, alice, bob, direct, say, membership
):
    for body in ("one", "two", "three"):
        say(bob, direct, body)
    block(user=alice, username="bob")
    for body in ("let me in", "please"):
        say(bob, direct, body)

    acknowledge(membership=membership(alice, direct), read_seq=2)
    assert listed(program(alice))["unread_count"] == 3

    acknowledge(membership=membership(alice, direct), read_seq=3)
    assert listed(program(alice))["unread_count"] == 0
    assert listed(program(bob))["read_seq"] == 0


def test_pages_do_not_announce_more_if_only_hidden_messages_are_left(
    program, alice, bob, direct, say, blocked
):
    say(bob, direct, "let me in")
    unblock(user=alice, username="bob")
    for body in ("one", "two", "three"):
        say(bob, direct, body)
    block(user=alice, username="bob")
    say(bob, direct, "let me in again")
    client = program(alice)

    def page(query):
        found = client.get(f"/conversations/{direct.id}/messages?{query}").json()
        seqs = [message["seq"] for message in found["results"]]
        return seqs, found["has_before"], found["has_after"]

    assert page("") == ([2, 3, 4], False, False)
    assert page("after=4") == ([], True, False)
    assert page("after=2&limit=2") == ([3, 4], True, True)  # not known before it is asked
    assert page("before=2") == ([], False, True)
    assert page("around=3") == ([2, 3, 4], False, False)
    assert page("limit=3") == ([2, 3, 4], True, False)


def test_page_links_to_no_later_page_if_only_hidden_messages_follow(
    browser, alice, bob, direct, say
):
    say(bob, direct, "hello")
    block(user=alice, username="bob")
    say(bob, direct, "let me in")
    client = browser(alice)

    for place in ("", "?after=1", "?around=1"):
        assert 'rel="next"' not in client.get(f"/chats/{direct.id}{place}").text


def test_blocked_user_cannot_edit_or_react_to_earlier_messages(program, alice, bob, direct, say):
    message, own = say(alice, direct, "hello"), say(bob, direct, "hello")
    block(user=alice, username="bob")
    client, where = program(bob), f"/conversations/{direct.id}/messages"

    edited = client.patch(f"{where}/{own.id}", {"body": "let me in"})
    reacted = client.put(f"{where}/{message.id}/reactions/👋")

    assert [edited.status_code, reacted.status_code] == [403, 403]
    assert edited.json()["type"] == reacted.json()["type"] == "urn:chatflow:too_late"
    assert bodies(program(alice), direct) == ["hello", "hello"]


def test_edit_of_a_hidden_message_is_sent_to_its_sender_only(
    program, alice, bob, direct, say, announced, blocked
):
    message = say(bob, direct, "let me in")
    where = f"/conversations/{direct.id}/messages/{message.id}"

    with announced() as events:
        assert program(bob).patch(where, {"body": "please"}).status_code == 200

    received = [event.topic for event in events if "please" in event.json + event.html]
    assert received == [user_topic(bob.id)]


def test_blocker_can_edit_and_react(program, alice, bob, direct, say, blocked):
    own = say(alice, direct, "hello")
    where = f"/conversations/{direct.id}/messages/{own.id}"

    assert program(alice).patch(where, {"body": "hello again"}).status_code == 200
    assert program(alice).put(f"{where}/reactions/👋").status_code == 200


def test_reply_does_not_quote_a_hidden_message_to_the_blocker(
    program, alice, bob, direct, say, blocked
):
    hidden = say(bob, direct, "let me in")
    say(bob, direct, "please", reply_to=hidden.id)
    to_himself = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"][-1]
    unblock(user=alice, username="bob")

    say(bob, direct, "as I said", reply_to=hidden.id)

    [shown] = program(alice).get(f"/conversations/{direct.id}/messages").json()["results"]
    assert (shown["body"], shown["reply_to"]) == ("as I said", None)
    assert to_himself["reply_to"]["body"] == "let me in"


def test_hidden_message_is_never_shown_as_delivered_or_read(
    program, alice, bob, direct, say, blocked, membership
):
    hidden = say(bob, direct, "let me in")
    unblock(user=alice, username="bob")
    seen = say(bob, direct, "thank you")
    acknowledge(membership=membership(alice, direct), read_seq=2)

    def receipts(message):
        path = f"/conversations/{direct.id}/messages/{message.id}/receipts"
        [alices] = program(bob).get(path).json()["results"]
        return alices["delivered"], alices["read"]

    assert (receipts(hidden), receipts(seen)) == ((False, False), (True, True))


def test_block_hides_nothing_in_a_group(program, alice, bob, group, say):
    block(user=alice, username="bob")

    say(bob, group, "hello all")

    assert bodies(program(alice), group)[-1] == "hello all"


def test_direct_chat_that_a_blocked_user_starts_is_archived(program, alice, mallory, say):
    block(user=alice, username="mallory")

    direct, _is_new = start_direct(user=mallory, username="alice")
    say(mallory, direct)

    assert listed(program(alice))["membership"]["archived"]
    assert not listed(program(mallory))["membership"]["archived"]


def test_blocking_twice_has_no_further_effect_and_can_be_undone(program, alice, bob):
    client = program(alice)

    answers = [client.put("/users/bob/block").status_code for _ in range(2)]
    names = [person["username"] for person in client.get("/users/me/blocks").json()]
    client.delete("/users/BOB/block")

    assert (answers, names) == ([204, 204], ["bob"])
    assert client.get("/users/me/blocks").json() == []


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_blocking_oneself_or_an_unknown_user_is_not_found(program, alice, username):
    assert program(alice).put(f"/users/{username}/block").status_code == 404


# --- read receipts -------------------------------------------------------------------------------


@pytest.mark.parametrize("hider", ["alice", "bob"])
def test_read_receipts_of_a_direct_chat_are_hidden_if_either_user_hides_them(
    program, alice, bob, direct, say, membership, hider
):
    people = {"alice": alice, "bob": bob}
    program(people[hider]).patch("/users/me", {"shows_read_receipts": False})
    message = say(alice, direct)

    acknowledge(membership=membership(bob, direct), read_seq=1)

    path = f"/conversations/{direct.id}/messages/{message.id}/receipts"
    shown = program(alice).get(path).json()["results"][0]
    assert (shown["delivered"], shown["read"]) == (True, False)
    assert program(bob).get("/conversations").json()["results"][0]["unread_count"] == 0


def test_read_receipts_of_a_group_ignore_the_setting(
    program, alice, bob, carol, group, say, membership
):
    program(bob).patch("/users/me", {"shows_read_receipts": False})
    message = say(alice, group)

    for reader in (bob, carol):
        acknowledge(membership=membership(reader, group), read_seq=message.seq)

    last = program(alice).get(f"/conversations/{group.id}/messages").json()["results"][-1]
    assert last["status"] == "read"


# --- groups that a blocked user starts or adds to ------------------------------------------------


def is_archived_and_muted(client, conversation):
    membership = client.get(f"/conversations/{conversation.id}").json()["membership"]
    return membership["archived"], membership["muted_until"] is not None


def test_group_that_a_blocked_user_starts_is_archived_and_muted(
    program, alice, bob, carol, blocked
):
    group = start_group(user=bob, title="Garden", usernames=["alice", "carol"])

    assert is_archived_and_muted(program(alice), group) == (True, True)
    assert is_archived_and_muted(program(carol), group) == (False, False)
    assert is_archived_and_muted(program(bob), group) == (False, False)


def test_group_to_which_a_blocked_user_adds_the_blocker_is_archived_and_muted(
    program, alice, bob, carol, dave, membership, blocked
):
    group = start_group(user=bob, title="Garden", usernames=["carol", "dave"])

    add_members(membership=membership(bob, group), usernames=["alice"])

    assert is_archived_and_muted(program(alice), group) == (True, True)


def test_group_to_which_a_blocked_user_adds_the_blocker_again_is_archived_and_muted(
    program, alice, bob, carol, membership, blocked
):
    group = start_group(user=bob, title="Garden", usernames=["alice", "carol"])
    leave(membership=membership(alice, group))

    add_members(membership=membership(bob, group), usernames=["alice"])

    assert is_archived_and_muted(program(alice), group) == (True, True)


def test_group_of_a_blocked_user_does_not_reveal_the_block(
    program, alice, bob, carol, say, blocked
):
    group = start_group(user=bob, title="Garden", usernames=["alice", "carol"])
    say(bob, group, "hello")

    seen_by_bob = program(bob).get(f"/conversations/{group.id}").json()
    assert {member["user"]["username"] for member in seen_by_bob["members"]} == {
        "alice", "bob", "carol",
    }  # fmt: skip
    assert "hello" in bodies(program(alice), group)


def test_group_that_another_user_starts_is_not_archived(program, alice, bob, carol, blocked):
    group = start_group(user=carol, title="Garden", usernames=["alice", "bob"])

    assert is_archived_and_muted(program(alice), group) == (False, False)
