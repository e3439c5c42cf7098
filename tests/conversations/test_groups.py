"""Starting a group."""

from __future__ import annotations

import pytest

from accounts.services import suspend
from chatflow.live.events import Join
from conversations.models import Conversation
from conversations.services import start_group


@pytest.fixture
def client(program, alice, bob, carol):
    return program(alice)


def start(client, **changes):
    asked = {"kind": "group", "title": "Garden", "members": ["bob", "carol"]}
    return client.post("/conversations", asked | changes)


def test_user_who_starts_a_group_owns_it(client):
    answer = start(client)

    group = answer.json()
    assert answer.status_code == 201
    assert (group["kind"], group["title"], group["avatar_url"]) == ("group", "Garden", None)
    assert (group["member_count"], group["last_seq"], group["version"]) == (3, 1, 1)
    assert [(member["user"]["username"], member["role"]) for member in group["members"]] == [
        ("alice", "owner"),
        ("bob", "member"),
        ("carol", "member"),
    ]
    assert group["membership"]["role"] == "owner"
    assert group["last_message"]["body"] == "Alice created the group “Garden”"


def test_new_group_is_in_the_list_of_its_members(client, program, bob):
    group = start(client).json()

    listed = program(bob).get("/conversations").json()["results"]

    assert [(row["id"], row["membership"]["role"]) for row in listed] == [(group["id"], "member")]


def test_same_people_can_have_several_groups(client):
    assert start(client).json()["id"] != start(client).json()["id"]


def test_usernames_ignore_case_and_the_title_is_trimmed(client):
    group = start(client, title="  Garden  ", members=["BOB", "bob", "Carol", "alice"]).json()

    assert (group["title"], group["member_count"]) == ("Garden", 3)


@pytest.mark.parametrize(
    "title", [None, "", "  ", "x" * 101, "x" * 100_000, 5, True, ["Garden"], "a\0b"]
)
def test_invalid_titles_are_refused(client, title):
    answer = start(client, title=title)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["title"])
    assert not Conversation.objects.exists()


def test_group_without_a_title_is_refused(client):
    answer = client.post("/conversations", {"kind": "group", "members": ["bob", "carol"]})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["title"])


def test_title_of_100_characters_is_accepted(client):
    assert start(client, title="🌻" * 100).json()["title"] == "🌻" * 100


@pytest.mark.parametrize(
    "members",
    [
        ["bob"],
        ["bob", "BOB"],
        ["bob", "alice"],
        ["bob", "carol", "nobody"],
        [],
        None,
        "bob",
        {"bob": "carol"},
        [["bob"], ["carol"]],
        ["bob", 5],
        ["bob", None],
        ["bob", "x" * 10_000],
    ],
)
def test_group_without_two_other_known_users_is_refused(client, members):
    answer = start(client, members=members)

    assert answer.status_code == 400
    assert all(field.startswith("members") for field in answer.json()["errors"])
    assert not Conversation.objects.exists()


def test_group_with_a_suspended_user_is_refused(client, bob):
    suspend(user=bob)

    answer = start(client)

    assert answer.json()["errors"] == {"members": ["No account found for bob."]}


@pytest.mark.parametrize("kind", [None, "", "channel", 5, ["group"]])
def test_unknown_kinds_are_refused(client, kind):
    answer = start(client, kind=kind)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["kind"])


def test_group_has_at_most_1024_members(client, crowd):
    people = crowd(1024)

    too_many = start(client, members=people)
    just_fits = start(client, members=people[:1023])
    one_more = client.post(
        f"/conversations/{just_fits.json()['id']}/members", {"members": people[1023:]}
    )

    assert (too_many.status_code, just_fits.status_code, one_more.status_code) == (400, 201, 400)
    assert just_fits.json()["member_count"] == 1024


def test_sockets_of_all_members_join_before_the_first_message(alice, bob, carol, announced):
    with announced() as events:
        group = start_group(user=alice, title="Garden", usernames=["bob", "carol"])

    *joins, line = events
    assert {event.topic for event in joins} == {f"user.{user.id}" for user in (alice, bob, carol)}
    assert {event.control for event in joins} == {Join(str(group.id))}
    assert (line.topic, line.version) == (f"conversation.{group.id}", 1)
