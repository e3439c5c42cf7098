"""Adding members to a group, including returning ones."""

from __future__ import annotations

import pytest

from chatflow.live.events import Join, Refresh
from conversations.models import Membership
from conversations.services import add_members, leave


def add(client, group, *names):
    return client.post(f"/conversations/{group.id}/members", {"members": names})


@pytest.fixture
def erin(person):
    return person("erin")


def test_admin_adds_members(program, carol, group, erin, mallory):
    answer = add(program(carol), group, "erin", "mallory")

    assert answer.status_code == 200
    assert answer.json()["member_count"] == 5
    assert [member["user"]["username"] for member in answer.json()["members"]] == [
        "alice", "carol", "bob", "erin", "mallory",
    ]  # fmt: skip
    assert answer.json()["last_message"]["body"] == "Carol added Erin, Mallory"


def test_new_member_has_the_system_message_unread(program, alice, group, erin):
    add(program(alice), group, "ERIN")

    seen = program(erin).get(f"/conversations/{group.id}").json()

    assert (seen["membership"]["role"], seen["unread_count"]) == ("member", 1)
    assert seen["last_message"]["body"] == "Alice added Erin"


def test_member_cannot_add_members(program, bob, group, erin, membership):
    answer = add(program(bob), group, "erin")

    assert answer.status_code == 403
    assert not Membership.objects.of(erin).exists()


def test_existing_members_are_ignored(program, alice, group, announced):
    with announced() as events:
        answer = add(program(alice), group, "bob", "alice")

    assert (answer.status_code, answer.json()["version"]) == (200, group.version)
    assert (answer.json()["member_count"], events) == (3, [])


@pytest.mark.parametrize("members", [["erin", "nobody"], [], None, "erin", [5], ["\0"], {}])
def test_one_invalid_username_adds_nobody(program, alice, group, erin, members):
    answer = program(alice).post(f"/conversations/{group.id}/members", {"members": members})

    assert answer.status_code == 400
    assert all(field.startswith("members") for field in answer.json()["errors"])
    assert not Membership.objects.of(erin).exists()


def test_returning_member_has_the_member_role_and_an_unarchived_group(program, alice, dave, group):
    Membership.objects.of(dave).update(role="owner", archived=True, pinned=True)

    add(program(alice), group, "dave")

    mine = program(dave).get(f"/conversations/{group.id}").json()["membership"]
    assert (mine["role"], mine["archived"], mine["pinned"]) == ("member", False, True)
    assert Membership.objects.of(dave).count() == 1


def test_member_count_is_correct_after_leaving_and_returning(alice, bob, group, membership):
    for _ in range(3):
        leave(membership=membership(bob, group))
        add_members(membership=membership(alice, group), usernames=["bob"])

    group.refresh_from_db()
    assert group.member_count == Membership.objects.active().in_conversation(group.id).count() == 3


def test_sockets_of_a_new_member_join_and_others_refresh(alice, group, erin, membership, announced):
    with announced() as events:
        add_members(membership=membership(alice, group), usernames=["erin"])

    joined, line = events[:2]
    assert (joined.topic, joined.control) == (f"user.{erin.id}", Join(str(group.id)))
    assert (line.topic, line.version) == (f"conversation.{group.id}", group.version + 1)
    assert line.control == Refresh()


@pytest.mark.django_db(transaction=True)
def test_concurrent_additions_of_one_user_add_them_once(
    alice, carol, group, erin, membership, together
):
    members = [membership(alice, group), membership(carol, group)] * 5

    together(
        *(
            lambda member=member: add_members(membership=member, usernames=["erin"])
            for member in members
        )
    )

    group.refresh_from_db()
    assert Membership.objects.of(erin).count() == 1
    assert (group.member_count, group.last_seq) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_concurrent_additions_of_two_users_add_both(
    alice, carol, group, erin, mallory, membership, together
):
    together(
        lambda: add_members(membership=membership(alice, group), usernames=["erin"]),
        lambda: add_members(membership=membership(carol, group), usernames=["mallory"]),
    )

    group.refresh_from_db()
    assert group.member_count == Membership.objects.active().in_conversation(group.id).count() == 5
