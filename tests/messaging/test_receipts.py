"""How far people have come: watermarks, ticks, and who is told."""

from __future__ import annotations

import json

import pytest

from conversations.models import Membership
from conversations.services import add_members, leave, remove_member, start_group
from messaging.receipts import acknowledge


@pytest.fixture
def tell(program):
    """tell(bob, direct, read_seq=3) posts a receipt."""

    def post(user, conversation, **watermarks):
        return program(user).post(f"/conversations/{conversation.id}/receipts", watermarks)

    return post


@pytest.fixture
def seen(program):
    return lambda user, conversation: program(user).get(f"/conversations/{conversation.id}").json()


@pytest.fixture
def statuses(program):
    def ask(user, conversation):
        history = program(user).get(f"/conversations/{conversation.id}/messages").json()
        return [message["status"] for message in history["results"]]

    return ask


@pytest.fixture
def five(alice, direct, say):
    for _ in range(5):
        say(alice, direct)


@pytest.fixture
def all_read(group, membership):
    """all_read(alice, bob) has them read everything in the group."""

    def read(*users):
        for user in users:
            acknowledge(membership=membership(user, group), read_seq=10**6)

    return read


def watermarks(conversation):
    conversation.refresh_from_db()
    return conversation.delivered_seq, conversation.read_seq


def test_ticks_follow_what_bob_has_and_has_read(tell, statuses, alice, bob, direct, five):
    assert statuses(alice, direct) == ["sent"] * 5

    assert tell(bob, direct, delivered_seq=4).status_code == 204
    assert tell(bob, direct, read_seq=2).status_code == 204

    assert statuses(alice, direct) == ["read", "read", "delivered", "delivered", "sent"]
    assert statuses(bob, direct) == statuses(alice, direct)


def test_reading_is_receiving(tell, seen, bob, direct, five):
    tell(bob, direct, read_seq=3)

    mine = seen(bob, direct)
    assert (mine["membership"]["delivered_seq"], mine["membership"]["read_seq"]) == (3, 3)
    assert (mine["delivered_seq"], mine["read_seq"], mine["unread_count"]) == (3, 3, 2)


def test_watermarks_only_move_forward(tell, seen, bob, direct, five):
    tell(bob, direct, read_seq=4)

    assert tell(bob, direct, read_seq=2, delivered_seq=1).status_code == 204

    assert seen(bob, direct)["membership"]["read_seq"] == 4


@pytest.mark.parametrize("far", [6, 99, 2**63, 10**30])
def test_beyond_the_newest_message_is_the_newest_message(tell, bob, direct, five, far):
    assert tell(bob, direct, read_seq=far, delivered_seq=far).status_code == 204

    assert watermarks(direct) == (5, 5)


@pytest.mark.parametrize(
    "receipt",
    [
        {},
        {"read_seq": -1},
        {"delivered_seq": -1, "read_seq": 1},
        {"read_seq": None},
        {"read_seq": "x"},
        {"read_seq": "3"},
        {"read_seq": 1.5},
        {"read_seq": True},
        {"delivered_seq": [1]},
        {"delivered_seq": {}},
        {"seq": 3},
    ],
)
def test_a_receipt_is_a_number(tell, bob, direct, five, receipt):
    answer = tell(bob, direct, **receipt)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert watermarks(direct) == (0, 0)


def test_a_groups_ticks_wait_for_the_slowest(tell, alice, bob, carol, group):
    tell(alice, group, read_seq=3)
    tell(carol, group, read_seq=2)
    assert watermarks(group) == (0, 0)

    tell(bob, group, delivered_seq=3, read_seq=1)

    assert watermarks(group) == (2, 1)


def test_an_empty_conversation_has_nothing_to_acknowledge(tell, bob, direct):
    assert tell(bob, direct, read_seq=5).status_code == 204
    assert watermarks(direct) == (0, 0)


def test_readings_that_overlap_leave_no_tick_behind(alice, bob, carol, group, membership):
    for user, seq in ((carol, 3), (alice, 2), (bob, 1)):
        acknowledge(membership=membership(user, group), read_seq=seq)
    alices, bobs = membership(alice, group), membership(bob, group)

    acknowledge(membership=bobs, read_seq=3)
    acknowledge(membership=alices, read_seq=3)

    assert watermarks(group) == (3, 3)


# --- coming and going ----------------------------------------------------------------------------


def test_a_newcomer_makes_no_tick_fall_back(person, alice, bob, carol, group, all_read, membership):
    all_read(alice, bob, carol)
    person("erin")

    add_members(membership=membership(alice, group), usernames=["erin"])

    assert watermarks(group) == (3, 3)


def test_a_returning_member_makes_no_tick_fall_back(
    alice, bob, carol, dave, group, all_read, membership
):
    all_read(alice, bob, carol)

    add_members(membership=membership(alice, group), usernames=["dave"])

    assert watermarks(group) == (3, 3)
    assert membership(dave, group).unread_count == 1


def test_bob_who_leaves_is_not_waited_for(
    alice, bob, carol, group, all_read, membership, announced
):
    all_read(alice, carol)

    with announced() as events:
        leave(membership=membership(bob, group))

    assert watermarks(group) == (3, 3)
    assert '"type": "receipt"' in events[-1].json


def test_bob_who_is_removed_is_not_waited_for(
    alice, bob, carol, group, all_read, membership, announced
):
    all_read(alice, carol)

    with announced():
        remove_member(membership=membership(alice, group), username="bob")

    assert watermarks(group) == (3, 3)


def test_whoever_is_alone_has_read_what_she_says(
    alice, bob, carol, group, say, membership, announced
):
    for user in (bob, carol):
        leave(membership=membership(user, group))

    with announced():
        say(alice, group)

    assert watermarks(group) == (6, 6)


# --- of one message ------------------------------------------------------------------------------


def test_who_has_received_and_read_a_message(program, tell, alice, bob, carol, group, say):
    message = say(alice, group)
    tell(bob, group, delivered_seq=4)
    tell(carol, group, read_seq=4)

    answer = program(alice).get(f"/conversations/{group.id}/messages/{message.id}/receipts")

    of = {receipt["user"]["username"]: receipt for receipt in answer.json()["results"]}
    assert answer.status_code == 200
    assert set(of) == {"bob", "carol"}
    assert (of["bob"]["delivered"], of["bob"]["read"]) == (True, False)
    assert (of["carol"]["delivered"], of["carol"]["read"]) == (True, True)
    assert set(of["bob"]["user"]) == {"id", "username", "display_name", "avatar_url"}


def test_everybody_who_could_see_it_is_listed_and_nobody_else(
    program, person, alice, bob, carol, group, say, membership
):
    message = say(alice, group)
    person("erin")
    add_members(membership=membership(alice, group), usernames=["erin", "dave"])
    leave(membership=membership(bob, group))

    answer = program(carol).get(f"/conversations/{group.id}/messages/{message.id}/receipts")

    assert [receipt["user"]["username"] for receipt in answer.json()["results"]] == ["carol"]


# --- who is told ---------------------------------------------------------------------------------


def test_bobs_devices_and_then_everybody_hear_of_his_reading(
    alice, bob, direct, five, membership, announced
):
    with announced() as events:
        acknowledge(membership=membership(bob, direct), read_seq=4)

    own, everyones = events
    assert own.topic == f"user.{bob.id}"
    assert json.loads(own.json)["membership"]["read_seq"] == 4
    assert json.loads(own.json)["unread_count"] == 1
    assert everyones.topic == f"conversation.{direct.id}"
    assert json.loads(everyones.json) == {
        "type": "receipt",
        "conversation": str(direct.id),
        "delivered_seq": 4,
        "read_seq": 4,
    }


def test_what_moves_nothing_is_no_news(bob, direct, five, membership, announced):
    acknowledge(membership=membership(bob, direct), read_seq=4)

    with announced() as events:
        acknowledge(membership=membership(bob, direct), read_seq=4, delivered_seq=3)

    assert events == []


def test_a_message_that_256_people_read_is_told_once(alice, crowd, say, announced):
    group = start_group(user=alice, title="Big", usernames=crowd(255))
    say(alice, group)

    with announced() as events:
        for right in Membership.objects.in_conversation(group.id).for_display():
            acknowledge(membership=right, delivered_seq=2)
            acknowledge(membership=right, read_seq=2)

    told = [event for event in events if event.topic == f"conversation.{group.id}"]
    assert watermarks(group) == (2, 2)
    assert [json.loads(event.json)["type"] for event in told] == ["receipt", "receipt"]


def test_a_device_that_is_behind_the_other_one_is_no_news(bob, direct, five, membership, announced):
    phone, laptop = membership(bob, direct), membership(bob, direct)
    acknowledge(membership=phone, read_seq=5)

    with announced() as events:
        acknowledge(membership=laptop, read_seq=3)

    assert (membership(bob, direct).read_seq, events) == (5, [])


# --- at once -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_bobs_twenty_devices_end_at_the_furthest(alice, bob, direct, say, membership, together):
    for _ in range(20):
        say(alice, direct)
    bobs = [membership(bob, direct) for _ in range(20)]

    together(
        *(
            lambda right=right, seq=seq: acknowledge(membership=right, read_seq=seq)
            for seq, right in enumerate(bobs, start=1)
        )
    )

    assert membership(bob, direct).read_seq == 20
    assert watermarks(direct) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_a_group_that_reads_at_once_has_read_all(alice, crowd, say, together):
    group = start_group(user=alice, title="Busy", usernames=crowd(11))
    for _ in range(9):
        say(alice, group)

    def read_on(user_id):
        for seq in range(1, 11):
            right = Membership.objects.for_display().get(user_id=user_id)
            acknowledge(membership=right, read_seq=seq)

    readers = Membership.objects.values_list("user_id", flat=True)
    together(*(lambda user_id=user_id: read_on(user_id) for user_id in readers))

    assert watermarks(group) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_reading_while_bob_leaves_does_not_wait_for_him(
    alice, bob, carol, group, all_read, membership, together
):
    all_read(alice)
    carols, bobs = membership(carol, group), membership(bob, group)

    together(lambda: acknowledge(membership=carols, read_seq=3), lambda: leave(membership=bobs))

    assert watermarks(group) == (3, 3)
