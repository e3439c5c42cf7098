"""The system messages that changes of a group write into its history."""

from __future__ import annotations

import pytest

from conversations import services
from conversations.models import Membership

Role = Membership.Role


@pytest.mark.parametrize(
    ("act", "fields", "text"),
    [
        (services.rename, {"title": "100 %s"}, "Alice renamed the group to “100 %s”"),
        (services.add_members, {"usernames": ["dave"]}, "Alice added Dave"),
        (services.remove_member, {"username": "bob"}, "Alice removed Bob"),
        (services.change_role, {"username": "bob", "role": Role.ADMIN}, "Alice made Bob an admin"),
        (
            services.change_role,
            {"username": "carol", "role": Role.MEMBER},
            "Alice made Carol a member",
        ),
        (services.change_role, {"username": "bob", "role": Role.OWNER}, "Bob is now the owner"),
    ],
)
def test_each_change_writes_one_system_message(
    program, alice, group, membership, act, fields, text
):
    act(membership=membership(alice, group), **fields)

    message = program(alice).get(f"/conversations/{group.id}/messages").json()["results"][-1]
    assert (message["kind"], message["body"]) == ("system", text)
    assert (message["seq"], message["version"]) == (group.last_seq + 1, group.version + 1)
    assert message["sender"]["username"] == "alice"


def test_history_of_a_group_begins_with_its_creation(program, bob, group):
    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert [line["body"] for line in lines] == [
        "Alice created the group “Garden”",
        "Alice made Carol an admin",
        "Dave left",
    ]


def test_leaving_owner_writes_two_system_messages(program, alice, bob, group, membership):
    services.leave(membership=membership(alice, group))

    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert [line["body"] for line in lines][-2:] == ["Alice left", "Carol is now the owner"]


def test_direct_chat_has_no_system_messages(program, alice, direct):
    assert program(alice).get(f"/conversations/{direct.id}/messages").json()["results"] == []


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        (services.rename, {"title": "Orchard"}),
        (services.add_members, {"usernames": ["dave"]}),
        (services.remove_member, {"username": "bob"}),
        (services.change_role, {"username": "bob", "role": Role.ADMIN}),
    ],
)
def test_system_message_is_read_by_its_actor(program, alice, carol, group, membership, act, fields):
    receipts = f"/conversations/{group.id}/receipts"
    for member in (alice, carol):
        program(member).post(receipts, {"read_seq": group.last_seq})

    act(membership=membership(alice, group), **fields)

    conversation = program(alice).get(f"/conversations/{group.id}").json()
    assert conversation["unread_count"] == 0
    assert program(carol).get(f"/conversations/{group.id}").json()["unread_count"] == 1


def test_new_group_is_unread_for_everyone_but_its_founder(program, alice, bob, carol):
    group = services.start_group(user=alice, title="Garden", usernames=["bob", "carol"])

    unread = {
        user.username: program(user).get(f"/conversations/{group.id}").json()["unread_count"]
        for user in (alice, bob, carol)
    }

    assert unread == {"alice": 0, "bob": 1, "carol": 1}
