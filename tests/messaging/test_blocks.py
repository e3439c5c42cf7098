"""Blocking in a direct chat: nothing arrives, and the blocked person cannot tell."""

from __future__ import annotations

import pytest

from accounts.services import block, unblock
from chatflow.realtime import user_topic
from conversations.services import start_direct
from messaging.events import typing
from messaging.receipts import acknowledge


@pytest.fixture
def blocked(alice, bob, direct):
    """alice has blocked bob."""
    block(user=alice, username="bob")


def bodies(client, conversation):
    history = client.get(f"/conversations/{conversation.id}/messages").json()["results"]
    return [message["body"] for message in history]


def listed(client):
    return client.get("/conversations").json()["results"][0]


def test_alice_sees_nothing_of_what_bob_writes(program, alice, bob, direct, say, blocked):
    say(bob, direct, "let me in")

    client = program(alice)
    assert bodies(client, direct) == []
    assert client.get(f"/conversations/{direct.id}/changes?since=0").json()["messages"] == []
    assert (listed(client)["last_message"], listed(client)["unread_count"]) == (None, 0)


def test_bob_sees_his_message_as_sent(program, alice, bob, direct, say, blocked, membership):
    say(bob, direct, "let me in")
    acknowledge(membership=membership(alice, direct), read_seq=1)

    client = program(bob)
    message = client.get(f"/conversations/{direct.id}/messages").json()["results"][0]
    assert (message["body"], message["status"]) == ("let me in", "sent")
    assert (listed(client)["delivered_seq"], listed(client)["read_seq"]) == (0, 0)


def test_live_only_bob_hears_it(bob, direct, say, announced, blocked):
    with announced() as events:
        say(bob, direct, "let me in")

    news = [event.topic for event in events if event.json or event.html]
    assert news == [user_topic(bob.id)]
    assert [event.version for event in events] == [1, 0]


def test_bob_typing_is_not_told(bob, direct, announced, blocked, membership):
    with announced() as events:
        typing(membership=membership(bob, direct), active=True)

    assert events == []


def test_the_list_shows_what_was_said_before(program, alice, bob, direct, say):
    say(alice, direct, "hello")
    block(user=alice, username="bob")
    say(bob, direct, "let me in")

    assert listed(program(alice))["last_message"]["body"] == "hello"


def test_what_was_kept_away_stays_away_and_the_next_one_arrives(
    program, alice, bob, direct, say, blocked
):
    say(bob, direct, "let me in")
    unblock(user=alice, username="bob")

    say(bob, direct, "thank you")

    assert bodies(program(alice), direct) == ["thank you"]
    assert listed(program(alice))["unread_count"] == 1


def test_what_was_kept_away_is_not_unread_however_much_was_before_it(
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


def test_paging_ends_where_only_hidden_messages_follow_or_come_before(
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


def test_her_page_offers_nothing_later(browser, alice, bob, direct, say):
    say(bob, direct, "hello")
    block(user=alice, username="bob")
    say(bob, direct, "let me in")
    client = browser(alice)

    for place in ("", "?after=1", "?around=1"):
        assert 'rel="next"' not in client.get(f"/chats/{direct.id}{place}").text


def test_bob_cannot_say_it_by_editing_or_reacting_to_what_was_there(
    program, alice, bob, direct, say
):
    message, own = say(alice, direct, "hello"), say(bob, direct, "hello")
    block(user=alice, username="bob")
    client, where = program(bob), f"/conversations/{direct.id}/messages"

    edited = client.patch(f"{where}/{own.id}", {"body": "let me in"})
    reacted = client.put(f"{where}/{message.id}/reactions/👋")

    assert [edited.status_code, reacted.status_code] == [403, 403]
    assert edited.json()["type"] == reacted.json()["type"] == "urn:chatflow:too_late"
    assert bodies(program(alice), direct) == ["hello", "hello"]


def test_what_bob_says_since_he_may_edit_and_nobody_hears(
    program, alice, bob, direct, say, announced, blocked
):
    message = say(bob, direct, "let me in")
    where = f"/conversations/{direct.id}/messages/{message.id}"

    with announced() as events:
        assert program(bob).patch(where, {"body": "please"}).status_code == 200

    assert [event.topic for event in events if event.json] == [user_topic(bob.id)]


def test_alice_may_edit_and_react_although_she_blocks(program, alice, bob, direct, say, blocked):
    own = say(alice, direct, "hello")
    where = f"/conversations/{direct.id}/messages/{own.id}"

    assert program(alice).patch(where, {"body": "hello again"}).status_code == 200
    assert program(alice).put(f"{where}/reactions/👋").status_code == 200


def test_a_reply_does_not_carry_what_was_kept_away(program, alice, bob, direct, say, blocked):
    hidden = say(bob, direct, "let me in")
    say(bob, direct, "please", reply_to=hidden.id)
    to_himself = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"][-1]
    unblock(user=alice, username="bob")

    say(bob, direct, "as I said", reply_to=hidden.id)

    [shown] = program(alice).get(f"/conversations/{direct.id}/messages").json()["results"]
    assert (shown["body"], shown["reply_to"]) == ("as I said", None)
    assert to_himself["reply_to"]["body"] == "let me in"


def test_what_was_kept_away_was_neither_received_nor_read(
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


def test_in_a_group_everybody_is_heard(program, alice, bob, group, say):
    block(user=alice, username="bob")

    say(bob, group, "hello all")

    assert bodies(program(alice), group)[-1] == "hello all"


def test_a_chat_that_the_blocked_person_starts_is_put_away(program, alice, mallory):
    block(user=alice, username="mallory")

    start_direct(user=mallory, username="alice")

    assert listed(program(alice))["membership"]["archived"]
    assert not listed(program(mallory))["membership"]["archived"]


def test_blocking_over_the_api_twice_and_lifting_it(program, alice, bob):
    client = program(alice)

    answers = [client.put("/users/bob/block").status_code for _ in range(2)]
    names = [person["username"] for person in client.get("/users/me/blocks").json()]
    client.delete("/users/BOB/block")

    assert (answers, names) == ([204, 204], ["bob"])
    assert client.get("/users/me/blocks").json() == []


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_nobody_blocks_themselves_or_a_stranger_to_all(program, alice, username):
    assert program(alice).put(f"/users/{username}/block").status_code == 404


# --- read receipts -------------------------------------------------------------------------------


@pytest.mark.parametrize("hider", ["alice", "bob"])
def test_whoever_hides_read_receipts_hides_them_both_ways(
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


def test_in_a_group_read_receipts_are_for_all(program, alice, bob, carol, group, say, membership):
    program(bob).patch("/users/me", {"shows_read_receipts": False})
    message = say(alice, group)

    for reader in (bob, carol):
        acknowledge(membership=membership(reader, group), read_seq=message.seq)

    last = program(alice).get(f"/conversations/{group.id}/messages").json()["results"][-1]
    assert last["status"] == "read"
