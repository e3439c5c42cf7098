"""Leaving a group, and who becomes its owner."""

from __future__ import annotations

import pytest

from accounts.services import delete_account
from conversations.models import Conversation, Membership
from conversations.services import leave, remove_member, start_group
from tests.conftest import PASSWORD


def roles(group):
    members = Membership.objects.active().in_conversation(group.id).with_user()
    return {member.user.username: member.role for member in members}


def test_former_member_loses_access(program, bob, group):
    client = program(bob)

    answer = client.delete(f"/conversations/{group.id}/members/bob")

    assert answer.status_code == 204
    assert client.get(f"/conversations/{group.id}").status_code == 404
    assert client.delete(f"/conversations/{group.id}/members/bob").status_code == 404


def test_remaining_members_see_who_left(program, alice, bob, group):
    program(bob).delete(f"/conversations/{group.id}/members/BOB")

    seen = program(alice).get(f"/conversations/{group.id}").json()

    assert (seen["member_count"], seen["last_message"]["body"]) == (2, "Bob left")


def test_ownership_passes_to_an_admin(alice, group, membership):
    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "owner", "bob": "member"}


def test_ownership_passes_to_the_longest_standing_admin(alice, bob, carol, group, membership):
    Membership.objects.of(bob).update(role="admin", joined_at=group.created_at)

    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "admin", "bob": "owner"}


def test_ownership_passes_to_the_longest_standing_member_without_admins(
    alice, bob, carol, group, membership
):
    Membership.objects.of(carol).update(role="member")
    Membership.objects.of(bob).update(joined_at=group.created_at)

    leave(membership=membership(alice, group))

    assert roles(group) == {"carol": "member", "bob": "owner"}


def test_group_can_become_empty(alice, bob, carol, group, membership):
    for user in (alice, carol, bob):
        leave(membership=membership(user, group))

    group.refresh_from_db()
    assert (roles(group), group.member_count) == ({}, 0)


def test_former_owner_returns_as_a_member(program, alice, carol, group, membership):
    leave(membership=membership(alice, group))

    program(carol).post(f"/conversations/{group.id}/members", {"members": ["alice"]})

    assert roles(group) == {"carol": "owner", "bob": "member", "alice": "member"}


@pytest.mark.django_db(transaction=True)
def test_group_has_an_owner_after_owner_and_admin_leave_concurrently(
    alice, carol, group, membership, together
):
    members = [membership(alice, group), membership(carol, group)]

    together(*(lambda member=member: leave(membership=member) for member in members))

    assert roles(group) == {"bob": "owner"}


@pytest.mark.django_db(transaction=True)
def test_group_is_empty_after_all_members_leave_concurrently(
    alice, bob, carol, group, membership, together
):
    members = [membership(user, group) for user in (alice, bob, carol)]

    together(*(lambda member=member: leave(membership=member) for member in members))

    group.refresh_from_db()
    assert (roles(group), group.member_count) == ({}, 0)


@pytest.mark.django_db(transaction=True)
def test_leaving_during_removal_ends_the_membership_once(alice, bob, group, membership, together):
    bobs, alices = membership(bob, group), membership(alice, group)

    together(
        lambda: leave(membership=bobs), lambda: remove_member(membership=alices, username="bob")
    )

    group.refresh_from_db()
    assert (group.member_count, group.last_seq) == (2, 4)


@pytest.mark.django_db(transaction=True)
def test_concurrent_account_deletions_leave_all_groups(alice, bob, carol, dave, together):
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
