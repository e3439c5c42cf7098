"""Finding people: whom one may write to, by the beginning of a name."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from accounts.services import delete_account, suspend
from tests.conftest import PASSWORD


@pytest.fixture
def find(program, alice):
    """find("bo") answers the usernames that alice finds."""
    client = program(alice)

    def search(text, **parameters):
        answer = client.get("/users", {"search": text} | parameters)
        assert answer.status_code == 200
        return [user["username"] for user in answer.json()["results"]]

    return search


def test_alice_finds_bob(program, alice, bob, costs):
    client = program(alice)

    with costs(4):
        answer = client.get("/users?search=bo")

    assert answer.json() == {
        "results": [
            {
                "id": str(bob.id),
                "username": "bob",
                "display_name": "Bob",
                "about": "",
                "avatar_url": None,
                "online": False,
                "last_seen_at": None,
            }
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    "text", ["bo", "BO", " bob_moss ", "Ｂob", "robert", "ROB", "moss", "green m", "Robert G"]
)
def test_names_match_from_the_beginning_of_a_word(find, person, text):
    person("bob_moss", display_name="Robert Green Moss")

    assert find(text) == ["bob_moss"]


@pytest.mark.parametrize("text", ["ob", "oss", "reen", "example", "bob@example.org"])
def test_nothing_else_matches(find, person, text):
    person("bob", display_name="Robert Green Moss")

    assert find(text) == []


@pytest.mark.parametrize("text", ["%%", "__", "b%", "b_b", "'; --", "\\\\", "b\0b", "b" * 60_000])
def test_every_character_is_plain_text(find, bob, text):
    assert find(text) == []


def test_nobody_finds_herself(find, alice):
    assert find("alice") == []


def test_who_cannot_be_written_to_is_not_found(find, bob, carol):
    assert (find("bo"), find("car")) == (["bob"], ["carol"])

    suspend(user=bob)
    delete_account(user=carol, password=PASSWORD)

    assert (find("bo"), find("car"), find("deleted")) == ([], [], [])


def test_pages_follow_one_another(program, alice, crowd):
    client, names = program(alice), crowd(5)

    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get("/users", {"search": "person", "limit": 2, "cursor": cursor}).json()
        found += [user["username"] for user in page["results"]]
        cursor, pages = page["next"], pages + 1

    assert (found, pages) == (sorted(names), 3)


def test_a_page_has_fifty_people(find, crowd):
    crowd(51)

    assert len(find("person")) == 50
    assert len(find("person", limit=100)) == 51


@pytest.mark.parametrize("cursor", ["nobody", "\0", "é", "z" * 10_000])
def test_any_text_is_a_place_in_the_alphabet(find, bob, cursor):
    assert find("bo", cursor=cursor) in (["bob"], [])


@pytest.mark.parametrize("text", ["", "b", " b ", "\t\n"])
def test_one_character_is_too_few(program, alice, text):
    answer = program(alice).get("/users", {"search": text})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["search"])


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "x", "", "1.5", "٣", "0" * 19 + "1" + "9" * 30, "9" * 5000]
)
def test_what_is_no_limit(program, alice, limit):
    answer = program(alice).get("/users", {"search": "bo", "limit": limit})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["limit"])


def test_strangers_find_nobody(stranger, alice):
    assert stranger.get("/users?search=al").status_code == 401
    assert stranger.get("/users/alice").status_code == 401


# One profile


@pytest.mark.parametrize("name", ["bob", "BOB", "Ｂｏｂ"])
def test_alice_opens_bob_s_profile(program, alice, bob, name):
    answer = program(alice).get(f"/users/{quote(name)}")

    assert (answer.status_code, answer.json()["username"]) == (200, "bob")
    assert not {"email", "created_at", "password"} & set(answer.json())


@pytest.mark.parametrize("name", ["nobody", "b", "bo%00b", "%00", "%F0%9F%91%8D", "b" * 10_000])
def test_nobody_is_called_that(program, alice, bob, name):
    assert program(alice).get(f"/users/{name}").status_code == 404


def test_suspended_and_deleted_people_have_no_profile(program, alice, bob, carol):
    suspend(user=bob)
    delete_account(user=carol, password=PASSWORD)

    for name in ("bob", "carol", carol.username):
        assert program(alice).get(f"/users/{name}").status_code == 404
