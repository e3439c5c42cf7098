"""Removing members from a group."""

from __future__ import annotations

import json

import pytest

from chatflow.errors import NotFound
from chatflow.live.events import Unsubscribe
from conversations.models import Membership
from conversations.services import remove_member


def remove(client, group, name):
    return client.delete(f"/conversations/{group.id}/members/{name}")


def test_removed_member_loses_access(program, carol, bob, group):
    bobs = program(bob)
    assert bobs.get(f"/conversations/{group.id}").status_code == 200

    answer = remove(program(carol), group, "BOB")

    assert (answer.status_code, answer.content) == (204, b"")
    assert bobs.get(f"/conversations/{group.id}").status_code == 404
    assert bobs.get("/conversations").json()["results"] == []


def test_remaining_members_see_who_removed_whom(program, alice, carol, group):
    remove(program(carol), group, "bob")

    seen = program(alice).get(f"/conversations/{group.id}").json()

    assert (seen["member_count"], len(seen["members"])) == (2, 2)
    assert seen["last_message"]["body"] == "Carol removed Bob"


def test_member_cannot_remove_members(program, bob, group):
    assert remove(program(bob), group, "carol").status_code == 403
    assert Membership.objects.active().in_conversation(group.id).count() == 3


def test_admin_cannot_remove_the_owner(program, carol, group):
    answer = remove(program(carol), group, "alice")

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:owner_is_untouchable")
    assert Membership.objects.active().in_conversation(group.id).count() == 3


def test_owner_removes_an_admin(program, alice, group):
    assert remove(program(alice), group, "carol").status_code == 204


@pytest.mark.parametrize("name", ["dave", "mallory", "nobody", "x" * 5000, "%00", "%ED%A0%80"])
def test_user_who_is_not_a_member_cannot_be_removed(program, alice, group, mallory, name):
    assert remove(program(alice), group, name).status_code == 404


def test_removing_a_member_twice_is_not_found(program, alice, group):
    client = program(alice)

    assert remove(client, group, "bob").status_code == 204
    assert remove(client, group, "bob").status_code == 404


def test_removed_member_receives_no_further_events(alice, bob, group, membership, announced):
    with announced() as events:
        remove_member(membership=membership(alice, group), username="bob")

    line, farewell = events[0], events[-1]
    assert line.topic == f"conversation.{group.id}"
    assert line.control == Unsubscribe([str(bob.id)])
    assert farewell.topic == f"user.{bob.id}"
    assert json.loads(farewell.json) == {
        "type": "conversation.removed",
        "conversation": str(group.id),
    }


@pytest.mark.django_db(transaction=True)
def test_concurrent_removals_of_one_member_remove_them_once(
    alice, carol, group, membership, together
):
    members = [membership(alice, group), membership(carol, group)]

    answers = together(
        *(
            lambda member=member: remove_member(membership=member, username="bob")
            for member in members
        )
    )

    group.refresh_from_db()
    assert {type(answer) for answer in answers} == {Membership, NotFound}
    assert (group.member_count, group.last_seq) == (2, 4)


@pytest.mark.django_db(transaction=True)
def test_one_of_two_admins_who_remove_each_other_remains(
    alice, bob, carol, group, membership, together
):
    Membership.objects.of(bob).update(role="admin")
    bobs, carols = membership(bob, group), membership(carol, group)

    answers = together(
        lambda: remove_member(membership=bobs, username="carol"),
        lambda: remove_member(membership=carols, username="bob"),
    )

    group.refresh_from_db()
    assert {type(answer) for answer in answers} == {Membership, NotFound}
    assert group.member_count == 2
