"""Receipts: watermarks of members and conversations, statuses, and the events about them."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError

from conversations.models import Membership
from conversations.services import add_members, leave, remove_member, start_group
from messaging.receipts import Receipt, acknowledge, acknowledge_all, move_watermarks


@pytest.fixture
def tell(program):
    """tell(bob, direct, read_seq=3) sends a receipt as Bob."""

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
    """all_read(alice, bob) marks everything in the group as read for both."""

    def read(*users):
        for user in users:
            acknowledge(membership=membership(user, group), read_seq=10**6)

    return read


def watermarks(conversation):
    conversation.refresh_from_db()
    return conversation.delivered_seq, conversation.read_seq


def test_statuses_follow_the_receipts_of_the_other_member(tell, statuses, alice, bob, direct, five):
    assert statuses(alice, direct) == ["sent"] * 5

    assert tell(bob, direct, delivered_seq=4).status_code == 204
    assert tell(bob, direct, read_seq=2).status_code == 204

    assert statuses(alice, direct) == ["read", "read", "delivered", "delivered", "sent"]
    assert statuses(bob, direct) == statuses(alice, direct)


def test_read_implies_delivered(tell, seen, bob, direct, five):
    tell(bob, direct, read_seq=3)

    mine = seen(bob, direct)
    assert (mine["membership"]["delivered_seq"], mine["membership"]["read_seq"]) == (3, 3)
    assert (mine["delivered_seq"], mine["read_seq"], mine["unread_count"]) == (3, 3, 2)


def test_watermarks_only_move_forward(tell, seen, bob, direct, five):
    tell(bob, direct, read_seq=4)

    assert tell(bob, direct, read_seq=2, delivered_seq=1).status_code == 204

    assert seen(bob, direct)["membership"]["read_seq"] == 4


@pytest.mark.parametrize("far", [6, 99, 2**63, 10**30])
def test_receipt_beyond_the_newest_message_counts_up_to_it(tell, bob, direct, five, far):
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
def test_invalid_receipts_are_refused(tell, bob, direct, five, receipt):
    answer = tell(bob, direct, **receipt)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert watermarks(direct) == (0, 0)


def test_watermarks_of_a_group_are_those_of_its_slowest_member(tell, alice, bob, carol, group):
    tell(alice, group, read_seq=3)
    tell(carol, group, read_seq=2)
    assert watermarks(group) == (0, 0)

    tell(bob, group, delivered_seq=3, read_seq=1)

    assert watermarks(group) == (2, 1)


def test_receipt_in_an_empty_conversation_changes_nothing(tell, bob, direct):
    assert tell(bob, direct, read_seq=5).status_code == 204
    assert watermarks(direct) == (0, 0)


def test_overlapping_receipts_raise_the_watermarks_fully(alice, bob, carol, group, membership):
    for user, seq in ((carol, 3), (alice, 2), (bob, 1)):
        acknowledge(membership=membership(user, group), read_seq=seq)
    alices, bobs = membership(alice, group), membership(bob, group)

    acknowledge(membership=bobs, read_seq=3)
    acknowledge(membership=alices, read_seq=3)

    assert watermarks(group) == (3, 3)


# --- joining and leaving -------------------------------------------------------------------------


def test_new_member_does_not_lower_the_watermarks(
    person, alice, bob, carol, group, all_read, membership
):
    all_read(alice, bob, carol)
    person("erin")

    add_members(membership=membership(alice, group), usernames=["erin"])

    assert watermarks(group) == (3, 3)


def test_returning_member_does_not_lower_the_watermarks(
    alice, bob, carol, dave, group, all_read, membership
):
    all_read(alice, bob, carol)

    add_members(membership=membership(alice, group), usernames=["dave"])

    assert watermarks(group) == (3, 3)
    assert membership(dave, group).unread_count == 1


def test_watermarks_rise_once_the_slowest_member_has_left(
    alice, bob, carol, group, all_read, membership, announced
):
    all_read(alice, carol)

    with announced() as events:
        leave(membership=membership(bob, group))

    assert watermarks(group) == (3, 3)
    assert '"type": "receipt"' in events[-1].json


def test_watermarks_rise_when_the_slowest_member_is_removed(
    alice, bob, carol, group, all_read, membership, announced
):
    all_read(alice, carol)

    with announced():
        remove_member(membership=membership(alice, group), username="bob")

    assert watermarks(group) == (3, 3)


def test_only_member_of_a_group_has_read_their_own_message(
    alice, bob, carol, group, say, membership, announced
):
    for user in (bob, carol):
        leave(membership=membership(user, group))

    with announced():
        say(alice, group)

    assert watermarks(group) == (6, 6)


# --- receipts of one message ---------------------------------------------------------------------


def test_receipts_of_a_message_list_delivered_and_read(
    program, tell, alice, bob, carol, group, say
):
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


def test_receipts_list_only_members_who_can_see_the_message(
    program, person, alice, bob, carol, group, say, membership
):
    message = say(alice, group)
    person("erin")
    add_members(membership=membership(alice, group), usernames=["erin", "dave"])
    leave(membership=membership(bob, group))

    answer = program(carol).get(f"/conversations/{group.id}/messages/{message.id}/receipts")

    assert [receipt["user"]["username"] for receipt in answer.json()["results"]] == ["carol"]


# --- events --------------------------------------------------------------------------------------


def test_own_devices_and_then_all_members_receive_the_receipt(
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


def test_receipt_that_moves_nothing_sends_no_event(bob, direct, five, membership, announced):
    acknowledge(membership=membership(bob, direct), read_seq=4)

    with announced() as events:
        acknowledge(membership=membership(bob, direct), read_seq=4, delivered_seq=3)

    assert events == []


def test_large_group_receives_one_receipt_when_all_have_read(alice, crowd, say, announced):
    group = start_group(user=alice, title="Big", usernames=crowd(255))
    say(alice, group)

    with announced() as events:
        for member in Membership.objects.in_conversation(group.id).for_display():
            acknowledge(membership=member, delivered_seq=2)
            acknowledge(membership=member, read_seq=2)

    received = [event for event in events if event.topic == f"conversation.{group.id}"]
    assert watermarks(group) == (2, 2)
    assert [json.loads(event.json)["type"] for event in received] == ["receipt", "receipt"]


def test_receipt_of_a_device_that_is_behind_sends_no_event(
    bob, direct, five, membership, announced
):
    phone, laptop = membership(bob, direct), membership(bob, direct)
    acknowledge(membership=phone, read_seq=5)

    with announced() as events:
        acknowledge(membership=laptop, read_seq=3)

    assert (membership(bob, direct).read_seq, events) == (5, [])


# --- concurrency ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_concurrent_receipts_of_one_member_keep_the_furthest(
    alice, bob, direct, say, membership, together
):
    for _ in range(20):
        say(alice, direct)
    bobs = [membership(bob, direct) for _ in range(20)]

    together(
        *(
            lambda member=member, seq=seq: acknowledge(membership=member, read_seq=seq)
            for seq, member in enumerate(bobs, start=1)
        )
    )

    assert membership(bob, direct).read_seq == 20
    assert watermarks(direct) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_concurrent_receipts_of_a_group_raise_the_watermarks_fully(alice, crowd, say, together):
    group = start_group(user=alice, title="Busy", usernames=crowd(11))
    for _ in range(9):
        say(alice, group)

    def read_on(user_id):
        for seq in range(1, 11):
            member = Membership.objects.for_display().get(user_id=user_id)
            acknowledge(membership=member, read_seq=seq)

    readers = Membership.objects.values_list("user_id", flat=True)
    together(*(lambda user_id=user_id: read_on(user_id) for user_id in readers))

    assert watermarks(group) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_watermarks_rise_when_one_member_reads_and_another_departs(
    alice, bob, carol, group, all_read, membership, together
):
    all_read(alice)
    carols, bobs = membership(carol, group), membership(bob, group)

    together(lambda: acknowledge(membership=carols, read_seq=3), lambda: leave(membership=bobs))

    assert watermarks(group) == (3, 3)


# --- several receipts in one transaction ---------------------------------------------------------


@pytest.fixture
def crew(alice, crowd, say):
    """A group with alice and nine others, in which she has written twice."""
    group = start_group(user=alice, title="Crew", usernames=crowd(9))
    for _ in range(2):
        say(alice, group)
    return group


def memberships_of(conversation):
    """Return the memberships, that of the group's owner first."""
    memberships = Membership.objects.in_conversation(conversation.id).for_display().with_user()
    return sorted(memberships, key=lambda each: (each.role != Membership.Role.OWNER, each.id))


def test_receipts_recorded_together_raise_the_watermarks_once(crew, announced):
    receipts = [Receipt(member, read_seq=10**6) for member in reversed(memberships_of(crew))]

    with announced() as events:
        assert acknowledge_all([*receipts, *receipts]) == {}

    assert watermarks(crew) == (3, 3)
    types = [json.loads(event.json)["type"] for event in events]
    assert (types.count("membership.updated"), types.count("receipt")) == (9, 1)


def test_one_more_receipt_adds_one_statement(crew, django_assert_max_num_queries):
    others = memberships_of(crew)[1:]

    def cost(members):
        with django_assert_max_num_queries(100) as queries:
            acknowledge_all([Receipt(member, delivered_seq=3) for member in members])
        return len(queries)

    assert cost(others[:6]) == cost(others[6:8]) + 4


def test_failing_receipt_does_not_lose_the_others(crew, monkeypatch, announced):
    alices, first, *others = memberships_of(crew)

    def fail_for_first(membership, *seqs):
        if membership == first:
            raise OperationalError("out of order")
        return move_watermarks(membership, *seqs)

    receipts = [Receipt(member, read_seq=3) for member in (alices, first, *others)]
    monkeypatch.setattr("messaging.receipts.move_watermarks", fail_for_first)
    with announced() as events:
        failures = acknowledge_all(receipts)

    assert [(receipt.membership, str(error)) for receipt, error in failures.items()] == [
        (first, "out of order")
    ]
    assert {member.read_seq for member in memberships_of(crew) if member != first} == {3}
    assert len(events) == len(others)
    assert watermarks(crew) == (0, 0)

    monkeypatch.undo()
    assert acknowledge_all(failures) == {}
    assert watermarks(crew) == (3, 3)
