"""Making members admins, members again, or the owner."""

from __future__ import annotations

import pytest

from chatflow.live.events import Refresh
from conversations.models import Membership
from conversations.services import OwnerIsUntouchable, change_role


def make(client, group, name, role):
    return client.patch(f"/conversations/{group.id}/members/{name}", {"role": role})


def role_of(user):
    return Membership.objects.of(user).get().role


def test_owner_makes_a_member_an_admin(program, alice, bob, group):
    answer = make(program(alice), group, "BOB", "admin")

    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == "bob"
    assert answer.json()["role"] == role_of(bob) == "admin"
    assert set(answer.json()) == {"user", "role", "joined_at"}


def test_admin_makes_admins_and_members(program, carol, bob, group):
    client = program(carol)

    assert make(client, group, "bob", "admin").status_code == 200
    assert make(client, group, "bob", "member").status_code == 200
    assert role_of(bob) == "member"


def test_member_cannot_change_roles(program, bob, carol, group):
    client = program(bob)

    assert make(client, group, "bob", "admin").status_code == 403
    assert make(client, group, "carol", "member").status_code == 403
    assert (role_of(bob), role_of(carol)) == ("member", "admin")


@pytest.mark.parametrize(
    ("name", "role"), [("alice", "member"), ("bob", "owner"), ("carol", "owner")]
)
def test_admin_cannot_change_the_owner(program, alice, carol, group, name, role):
    answer = make(program(carol), group, name, role)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:owner_is_untouchable")
    assert role_of(alice) == "owner"


def test_owner_who_transfers_ownership_becomes_an_admin(program, alice, bob, group):
    answer = make(program(alice), group, "bob", "owner")

    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert (role_of(bob), role_of(alice)) == ("owner", "admin")


def test_owner_cannot_give_up_ownership_without_a_successor(program, alice, group):
    assert make(program(alice), group, "alice", "admin").status_code == 403


def test_same_role_sends_no_event(program, alice, group, announced):
    with announced() as events:
        answer = make(program(alice), group, "carol", "admin")

    assert (answer.status_code, events) == (200, [])


@pytest.mark.parametrize("role", [None, "", "king", "OWNER", 5, ["admin"]])
def test_unknown_roles_are_refused(program, alice, group, role):
    answer = make(program(alice), group, "bob", role)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["role"])


@pytest.mark.parametrize("name", ["dave", "mallory", "nobody", "%00"])
def test_role_of_a_user_who_is_not_a_member_is_not_found(program, alice, group, mallory, name):
    assert make(program(alice), group, name, "admin").status_code == 404


def test_all_members_refresh_the_group_after_a_new_role(alice, group, membership, announced):
    with announced() as events:
        change_role(membership=membership(alice, group), username="bob", role=Membership.Role.ADMIN)

    (line,) = (event for event in events if event.version)
    assert (line.topic, line.version) == (f"conversation.{group.id}", group.version + 1)
    assert line.control == Refresh()


@pytest.mark.django_db(transaction=True)
def test_concurrent_transfers_of_ownership_leave_one_owner(alice, group, membership, together):
    alices = membership(alice, group)

    answers = together(
        *(
            lambda name=name: change_role(
                membership=alices, username=name, role=Membership.Role.OWNER
            )
            for name in ("bob", "carol")
        )
    )

    assert {type(answer) for answer in answers} == {OwnerIsUntouchable, Membership}
    assert Membership.objects.active().filter(role="owner").count() == 1
