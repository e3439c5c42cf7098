"""Removing somebody from a group."""

from __future__ import annotations

import json

import pytest

from chatflow.errors import NotFound
from conversations.models import Membership
from conversations.services import remove_member


def remove(client, group, name):
    return client.delete(f"/conversations/{group.id}/members/{name}")


def test_an_admin_removes_bob_who_then_learns_nothing(program, carol, bob, group):
    bobs = program(bob)
    assert bobs.get(f"/conversations/{group.id}").status_code == 200

    answer = remove(program(carol), group, "BOB")

    assert (answer.status_code, answer.content) == (204, b"")
    assert bobs.get(f"/conversations/{group.id}").status_code == 404
    assert bobs.get("/conversations").json()["results"] == []


def test_those_who_stay_see_who_removed_whom(program, alice, carol, group):
    remove(program(carol), group, "bob")

    seen = program(alice).get(f"/conversations/{group.id}").json()

    assert (seen["member_count"], len(seen["members"])) == (2, 2)
    assert seen["last_message"]["body"] == "Carol removed Bob"


def test_bob_may_not_remove_anybody(program, bob, group):
    assert remove(program(bob), group, "carol").status_code == 403
    assert Membership.objects.active().in_conversation(group.id).count() == 3


def test_an_admin_cannot_remove_the_owner(program, carol, group):
    answer = remove(program(carol), group, "alice")

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:chatflow:owner_is_untouchable")
    assert Membership.objects.active().in_conversation(group.id).count() == 3


def test_the_owner_removes_an_admin(program, alice, group):
    assert remove(program(alice), group, "carol").status_code == 204


@pytest.mark.parametrize("name", ["dave", "mallory", "nobody", "x" * 5000, "%00", "%ED%A0%80"])
def test_whoever_is_not_in_cannot_be_removed(program, alice, group, mallory, name):
    assert remove(program(alice), group, name).status_code == 404


def test_removing_bob_twice_is_once(program, alice, group):
    client = program(alice)

    assert remove(client, group, "bob").status_code == 204
    assert remove(client, group, "bob").status_code == 404


def test_bobs_sockets_leave_before_the_line_that_tells_it(alice, bob, group, membership, announced):
    with announced() as events:
        remove_member(membership=membership(alice, group), username="bob")

    line, farewell = events
    assert (line.topic, line.leaves) == (f"conversation.{group.id}", [str(bob.id)])
    assert line.refreshes
    assert farewell.topic == f"user.{bob.id}"
    assert json.loads(farewell.json) == {
        "type": "conversation.removed",
        "conversation": str(group.id),
    }


@pytest.mark.django_db(transaction=True)
def test_two_admins_removing_bob_remove_him_once(alice, carol, group, membership, together):
    rights = [membership(alice, group), membership(carol, group)]

    answers = together(
        *(lambda right=right: remove_member(membership=right, username="bob") for right in rights)
    )

    group.refresh_from_db()
    assert {type(answer) for answer in answers} == {type(None), NotFound}
    assert (group.member_count, group.last_seq) == (2, 4)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_removing_each_other_one_stays(
    alice, bob, carol, group, membership, together
):
    Membership.objects.of(bob).update(role="admin")
    bobs, carols = membership(bob, group), membership(carol, group)

    answers = together(
        lambda: remove_member(membership=bobs, username="carol"),
        lambda: remove_member(membership=carols, username="bob"),
    )

    group.refresh_from_db()
    assert {type(answer) for answer in answers} == {type(None), NotFound}
    assert group.member_count == 2
