"""Adding people to a group, and people who come back."""

from __future__ import annotations

import pytest

from conversations.models import Membership
from conversations.services import add_members, leave


def add(client, group, *names):
    return client.post(f"/conversations/{group.id}/members", {"members": names})


@pytest.fixture
def erin(person):
    return person("erin")


def test_an_admin_adds_people(program, carol, group, erin, mallory):
    answer = add(program(carol), group, "erin", "mallory")

    assert answer.status_code == 200
    assert answer.json()["member_count"] == 5
    assert [member["user"]["username"] for member in answer.json()["members"]] == [
        "alice", "carol", "bob", "erin", "mallory",
    ]  # fmt: skip
    assert answer.json()["last_message"]["body"] == "Carol added Erin, Mallory"


def test_a_newcomer_is_a_member_who_has_the_line_that_names_her_to_read(
    program, alice, group, erin
):
    add(program(alice), group, "ERIN")

    seen = program(erin).get(f"/conversations/{group.id}").json()

    assert (seen["membership"]["role"], seen["unread_count"]) == ("member", 1)
    assert seen["last_message"]["body"] == "Alice added Erin"


def test_bob_may_not_add_people(program, bob, group, erin, membership):
    answer = add(program(bob), group, "erin")

    assert answer.status_code == 403
    assert not Membership.objects.of(erin).exists()


def test_whoever_is_in_already_is_passed_over(program, alice, group, announced):
    with announced() as events:
        answer = add(program(alice), group, "bob", "alice")

    assert (answer.status_code, answer.json()["version"]) == (200, group.version)
    assert (answer.json()["member_count"], events) == (3, [])


@pytest.mark.parametrize("members", [["erin", "nobody"], [], None, "erin", [5], ["\0"], {}])
def test_one_who_cannot_be_added_keeps_all_out(program, alice, group, erin, members):
    answer = program(alice).post(f"/conversations/{group.id}/members", {"members": members})

    assert answer.status_code == 400
    assert all(field.startswith("members") for field in answer.json()["errors"])
    assert not Membership.objects.of(erin).exists()


def test_dave_comes_back_as_a_member_to_an_unarchived_group(program, alice, dave, group):
    Membership.objects.of(dave).update(role="owner", archived=True, pinned=True)

    add(program(alice), group, "dave")

    mine = program(dave).get(f"/conversations/{group.id}").json()["membership"]
    assert (mine["role"], mine["archived"], mine["pinned"]) == ("member", False, True)
    assert Membership.objects.of(dave).count() == 1


def test_leaving_and_coming_back_keeps_the_count(alice, bob, group, membership):
    for _ in range(3):
        leave(membership=membership(bob, group))
        add_members(membership=membership(alice, group), usernames=["bob"])

    group.refresh_from_db()
    assert group.member_count == Membership.objects.active().in_conversation(group.id).count() == 3


def test_a_newcomers_sockets_join_and_the_others_show_the_group_anew(
    alice, group, erin, membership, announced
):
    with announced() as events:
        add_members(membership=membership(alice, group), usernames=["erin"])

    joined, line = events
    assert (joined.topic, joined.joins) == (f"user.{erin.id}", str(group.id))
    assert (line.topic, line.version) == (f"conversation.{group.id}", group.version + 1)
    assert line.refreshes


@pytest.mark.django_db(transaction=True)
def test_two_admins_adding_the_same_person_add_her_once(
    alice, carol, group, erin, membership, together
):
    rights = [membership(alice, group), membership(carol, group)] * 5

    together(
        *(lambda right=right: add_members(membership=right, usernames=["erin"]) for right in rights)
    )

    group.refresh_from_db()
    assert Membership.objects.of(erin).count() == 1
    assert (group.member_count, group.last_seq) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_two_admins_adding_different_people_add_both(
    alice, carol, group, erin, mallory, membership, together
):
    together(
        lambda: add_members(membership=membership(alice, group), usernames=["erin"]),
        lambda: add_members(membership=membership(carol, group), usernames=["mallory"]),
    )

    group.refresh_from_db()
    assert group.member_count == Membership.objects.active().in_conversation(group.id).count() == 5
