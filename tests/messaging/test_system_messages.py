"""System messages in the history."""

from __future__ import annotations

from accounts.services import update_profile
from conversations.services import rename


def test_system_messages_count_as_unread(alice, bob, group, membership):
    before = membership(bob, group).unread_count

    rename(membership=membership(alice, group), title="Allotment")

    assert membership(bob, group).unread_count == before + 1


def test_system_message_keeps_the_name_at_its_time(program, alice, bob, group):
    update_profile(user=alice, display_name="Alicia")

    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert lines[0]["body"] == "Alice created the group “Garden”"
    assert lines[0]["sender"]["display_name"] == "Alicia"


def test_title_that_looks_like_a_placeholder_is_not_formatted(
    program, alice, bob, group, membership
):
    rename(membership=membership(alice, group), title='%(actor)s {"notice"} 100%')

    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert lines[-1]["body"] == 'Alice renamed the group to “%(actor)s {"notice"} 100%”'
