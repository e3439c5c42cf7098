"""Who of a conversation's members is here, as far as the asker may know."""

from __future__ import annotations

import pytest

from accounts import presence
from accounts.models import User
from accounts.services import block, update_privacy


@pytest.fixture
def onlines(program, group):
    """onlines(bob) is what he is told of each member of the group."""

    def ask(user):
        answer = program(user).get(f"/conversations/{group.id}").json()
        return {each["user"]["username"]: each["user"]["online"] for each in answer["members"]}

    return ask


def test_members_are_here_or_away(onlines, alice, bob, carol):
    presence.mark([str(alice.id), str(bob.id)])

    assert onlines(bob) == {"alice": True, "bob": True, "carol": False}


def test_whoever_is_away_was_last_seen_some_time(program, alice, bob, group):
    presence.note_last_seen([str(alice.id)])

    answer = program(bob).get(f"/conversations/{group.id}").json()

    seen = {each["user"]["username"]: each["user"]["last_seen_at"] for each in answer["members"]}
    assert seen["alice"].endswith("Z")
    assert seen["carol"] is None


def test_nobody_sees_who_hides_or_is_apart_from_them(onlines, alice, bob, carol):
    presence.mark([str(user.id) for user in (alice, bob, carol)])
    update_privacy(user=carol, last_seen_to=User.Audience.NOBODY)
    block(user=alice, username="bob")

    assert onlines(bob) == {"alice": None, "bob": True, "carol": None}
    assert onlines(carol) == dict.fromkeys(["alice", "bob", "carol"])


def test_a_new_role_is_answered_with_presence_as_well(program, alice, bob, group):
    presence.mark([str(bob.id)])

    answer = program(alice).patch(
        f"/conversations/{group.id}/members/bob", {"role": "admin"}, format="json"
    )

    assert answer.json()["user"]["online"] is True
