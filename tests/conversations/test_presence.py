"""Presence of a conversation's members, as far as the current user may see it."""

from __future__ import annotations

import pytest

from accounts import presence
from accounts.models import User
from accounts.services import block, update_profile


@pytest.fixture
def onlines(program, group):
    """onlines(bob) returns whether each member of the group is online, as Bob sees it."""

    def ask(user):
        answer = program(user).get(f"/conversations/{group.id}").json()
        return {each["user"]["username"]: each["user"]["online"] for each in answer["members"]}

    return ask


def test_members_are_online_or_offline(onlines, alice, bob, carol):
    presence.mark_online([str(alice.id), str(bob.id)])

    assert onlines(bob) == {"alice": True, "bob": True, "carol": False}


def test_offline_members_have_a_time_of_last_activity(program, alice, bob, group):
    presence.note_last_seen([str(alice.id)])

    answer = program(bob).get(f"/conversations/{group.id}").json()

    seen = {each["user"]["username"]: each["user"]["last_seen_at"] for each in answer["members"]}
    assert seen["alice"].endswith("Z")
    assert seen["carol"] is None


def test_presence_is_hidden_by_settings_and_blocks(onlines, alice, bob, carol):
    presence.mark_online([str(user.id) for user in (alice, bob, carol)])
    update_profile(user=carol, last_seen_to=User.Visibility.NOBODY)
    block(user=alice, username="bob")

    assert onlines(bob) == {"alice": None, "bob": True, "carol": None}
    assert onlines(carol) == dict.fromkeys(["alice", "bob", "carol"])


def test_changing_a_role_returns_the_presence(program, alice, bob, group):
    presence.mark_online([str(bob.id)])

    answer = program(alice).patch(
        f"/conversations/{group.id}/members/bob", {"role": "admin"}, format="json"
    )

    assert answer.json()["user"]["online"] is True
