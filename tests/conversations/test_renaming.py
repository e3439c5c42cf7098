"""Renaming a group."""

from __future__ import annotations

import pytest

from chatflow.live.events import Refresh
from conversations.services import rename


def rename_group(client, group, title):
    return client.patch(f"/conversations/{group.id}", {"title": title})


def test_admin_renames_the_group(program, carol, bob, group):
    answer = rename_group(program(carol), group, "  Allotment ")

    assert (answer.status_code, answer.json()["title"]) == (200, "Allotment")
    assert program(bob).get(f"/conversations/{group.id}").json()["title"] == "Allotment"


def test_member_cannot_rename_the_group(program, bob, group):
    assert rename_group(program(bob), group, "Bob's").status_code == 403

    group.refresh_from_db()
    assert group.title == "Garden"


@pytest.mark.parametrize("title", [None, "", " ", "x" * 101, 5, ["x"], {"x": 1}, "a\0b"])
def test_invalid_titles_are_refused(program, alice, group, title):
    answer = rename_group(program(alice), group, title)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["title"])


def test_missing_title_is_refused(program, alice, group):
    assert program(alice).patch(f"/conversations/{group.id}", {"name": "x"}).status_code == 400


def test_same_title_sends_no_event(program, alice, group, announced):
    with announced() as events:
        answer = rename_group(program(alice), group, "Garden")

    assert (answer.status_code, answer.json()["version"], events) == (200, group.version, [])


def test_all_members_refresh_the_renamed_group(alice, group, membership, announced):
    with announced() as events:
        rename(membership=membership(alice, group), title="Allotment")

    (line,) = (event for event in events if event.version)
    assert "renamed the group to" in line.json
    assert (line.topic, line.version) == (f"conversation.{group.id}", group.version + 1)
    assert line.control == Refresh()
