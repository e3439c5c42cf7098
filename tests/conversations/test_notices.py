"""What a group writes into its own history."""

from __future__ import annotations

import pytest

from conversations import services
from conversations.models import Membership

Role = Membership.Role


@pytest.mark.parametrize(
    ("act", "how", "line"),
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
def test_each_act_is_one_line(program, alice, group, membership, act, how, line):
    act(membership=membership(alice, group), **how)

    message = program(alice).get(f"/conversations/{group.id}/messages").json()["results"][-1]
    assert (message["kind"], message["body"]) == ("system", line)
    assert (message["seq"], message["version"]) == (group.last_seq + 1, group.version + 1)
    assert message["sender"]["username"] == "alice"


def test_the_first_lines_tell_how_the_group_came_to_be(program, bob, group):
    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert [line["body"] for line in lines] == [
        "Alice created the group “Garden”",
        "Alice made Carol an admin",
        "Dave left",
    ]


def test_an_owner_who_leaves_is_two_lines(program, alice, bob, group, membership):
    services.leave(membership=membership(alice, group))

    lines = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]

    assert [line["body"] for line in lines][-2:] == ["Alice left", "Carol is now the owner"]


def test_a_direct_chat_has_no_notices(program, alice, direct):
    assert program(alice).get(f"/conversations/{direct.id}/messages").json()["results"] == []
