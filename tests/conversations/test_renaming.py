"""Renaming a group."""

from __future__ import annotations

import pytest

from conversations.services import rename


def call_it(client, group, title):
    return client.patch(f"/conversations/{group.id}", {"title": title})


def test_an_admin_renames_the_group(program, carol, bob, group):
    answer = call_it(program(carol), group, "  Allotment ")

    assert (answer.status_code, answer.json()["title"]) == (200, "Allotment")
    assert program(bob).get(f"/conversations/{group.id}").json()["title"] == "Allotment"


def test_bob_may_not_rename_it(program, bob, group):
    assert call_it(program(bob), group, "Bob's").status_code == 403

    group.refresh_from_db()
    assert group.title == "Garden"


@pytest.mark.parametrize("title", [None, "", " ", "x" * 101, 5, ["x"], {"x": 1}, "a\0b"])
def test_a_title_has_1_to_100_characters(program, alice, group, title):
    answer = call_it(program(alice), group, title)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["title"])


def test_a_new_name_is_needed(program, alice, group):
    assert program(alice).patch(f"/conversations/{group.id}", {"name": "x"}).status_code == 400


def test_the_name_it_has_is_no_news(program, alice, group, announced):
    with announced() as events:
        answer = call_it(program(alice), group, "Garden")

    assert (answer.status_code, answer.json()["version"], events) == (200, group.version, [])


def test_everybody_shows_the_group_anew(alice, group, membership, announced):
    with announced() as events:
        rename(membership=membership(alice, group), title="Allotment")

    (line,) = events
    assert "renamed the group to" in line.json
    assert (line.topic, line.version) == (f"conversation.{group.id}", group.version + 1)
    assert line.refreshes
