"""Leaving a group, and who owns it then."""

from __future__ import annotations

import pytest

from accounts.services import delete_account
from conversations.models import Conversation, Membership
from conversations.services import leave, remove_member, start_group
from tests.conftest import PASSWORD


def roles(group):
    members = Membership.objects.active().in_conversation(group.id).with_user()
    return {member.user.username: member.role for member in members}


def test_bob_leaves_and_learns_nothing_more(program, bob, group):
    client = program(bob)

    answer = client.delete(f"/conversations/{group.id}/members/bob")

    assert answer.status_code == 204
    assert client.get(f"/conversations/{group.id}").status_code == 404
    assert client.delete(f"/conversations/{group.id}/members/bob").status_code == 404


def test_those_who_stay_see_that_bob_left(program, alice, bob, group):
    program(bob).delete(f"/conversations/{group.id}/members/BOB")

    seen = program(alice).get(f"/conversations/{group.id}").json()

    assert (seen["member_count"], seen["last_message"]["body"]) == (2, "Bob left")


def test_an_owner_who_leaves_passes_the_group_to_an_admin(alice, group, membership):
    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "owner", "bob": "member"}


def test_the_longest_standing_admin_comes_first(alice, bob, carol, group, membership):
    Membership.objects.of(bob).update(role="admin", joined_at=group.created_at)

    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "admin", "bob": "owner"}


def test_without_an_admin_the_longest_standing_member_owns_it(alice, bob, carol, group, membership):
    Membership.objects.of(carol).update(role="member")
    Membership.objects.of(bob).update(joined_at=group.created_at)

    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "member", "bob": "owner"}


def test_a_group_may_shrink_to_nobody(alice, bob, carol, group, membership):
    for user in (alice, carol, bob):
        leave(membership=membership(user, group))

    group.refresh_from_db()
    assert (roles(group), group.member_count) == ({}, 0)


def test_a_former_owner_comes_back_as_a_member(program, alice, carol, group, membership):
    leave(membership=membership(alice, group))

    program(carol).post(f"/conversations/{group.id}/members", {"members": ["alice"]})

    assert roles(group) == {"carol": "owner", "bob": "member", "alice": "member"}


@pytest.mark.django_db(transaction=True)
def test_an_owner_and_an_admin_leaving_at_once_leave_an_owner_behind(
    alice, carol, group, membership, together
):
    rights = [membership(alice, group), membership(carol, group)]

    together(*(lambda right=right: leave(membership=right) for right in rights))

    assert roles(group) == {"bob": "owner"}


@pytest.mark.django_db(transaction=True)
def test_a_group_that_everybody_leaves_at_once_is_empty(
    alice, bob, carol, group, membership, together
):
    rights = [membership(user, group) for user in (alice, bob, carol)]

    together(*(lambda right=right: leave(membership=right) for right in rights))

    group.refresh_from_db()
    assert (roles(group), group.member_count) == ({}, 0)


@pytest.mark.django_db(transaction=True)
def test_leaving_while_being_removed_happens_once(alice, bob, group, membership, together):
    bobs, alices = membership(bob, group), membership(alice, group)

    together(
        lambda: leave(membership=bobs), lambda: remove_member(membership=alices, username="bob")
    )

    group.refresh_from_db()
    assert (group.member_count, group.last_seq) == (2, 4)


@pytest.mark.django_db(transaction=True)
def test_two_who_delete_their_accounts_at_once_leave_all_their_groups(
    alice, bob, carol, dave, together
):
    for number in range(10):
        start_group(user=alice, title=str(number), usernames=["bob", "carol", "dave"])
    Membership.objects.of(bob).filter(conversation__title__lt="5").update(pinned=True)

    together(
        lambda: delete_account(user=alice, password=PASSWORD),
        lambda: delete_account(user=bob, password=PASSWORD),
    )

    groups = Conversation.objects.all()
    assert [group.member_count for group in groups] == [2] * 10
    assert Membership.objects.active().filter(role="owner").count() == 10
