"""The search for users by the beginnings of words in their names, and single profiles."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import pytest
from django.core.management import call_command

from accounts.models import NameWord, User
from accounts.services import delete_account, restore, suspend, update_profile
from tests.conftest import PASSWORD


@pytest.fixture
def find(program, alice):
    """find("bo") returns the usernames that alice finds."""
    client = program(alice)

    def search(text, **parameters):
        answer = client.get("/users", {"search": text} | parameters)
        assert answer.status_code == 200
        return [user["username"] for user in answer.json()["results"]]

    return search


def test_search_finds_a_user(program, alice, bob, costs):
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


@pytest.mark.parametrize("text", ["kim lee", "lee kim"])
def test_order_does_not_depend_on_the_order_of_equally_long_words(find, person, text):
    for username, name in [("aa", "Lee Kimber"), ("bb", "Leeds Kim"), ("cc", "Kimba Lee")]:
        person(f"{username}_1", display_name=name)

    assert find(text) == ["bb_1", "cc_1", "aa_1"]  # by kim, kimba, kimber


@pytest.mark.parametrize(
    "text",
    ["bo", "BO", " bob_moss ", "Ｂob", "robert", "ROB", "moss", "green m", "Robert G", "moss b"],
)
def test_names_match_from_the_beginning_of_a_word(find, person, text):
    person("bob_moss", display_name="Robert Green Moss")

    assert find(text) == ["bob_moss"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Jean-Luc Picard", "luc"),
        ("Sean O'Brien", "brien"),
        ("Ada (Ops)", "ops"),
        ("Ada \N{EM DASH}Ops", "ops"),
        ("山田太郎", "太郎"),
        ("王小明", "王"),
        ("김철수", "철수"),
        ("김철수", "수"),
        ("Ada 🌻", "🌻"),
        ("J. R. R. Tolkien", "tolkien j r"),
        ("Jose\u0301 Nun\u0303ez", "José"),
        ("José Núñez", "Jose\u0301 Nu\u0301n"),
        ("José", "jose"),
        ("Jose", "josé"),
        ("Özgür Şahin", "oz SA"),
        ("Straße", "strasse"),
        ("Łukasz", "lukasz"),
        ("Soft\u00adhyphen", "softh"),
        ("Zero\u200bWidth", "width"),
        ("a" * 60, "a" * 60),
    ],
)
def test_users_are_found_by_any_word_of_their_name(find, person, name, text):
    person("erin", display_name=name)

    assert find(text) == ["erin"]


@pytest.mark.parametrize("text", ["@bob", "@BO", " @bob ", "bob@"])
def test_leading_at_sign_is_ignored(find, bob, text):
    assert find(text) == ["bob"]


@pytest.mark.parametrize("text", ["ob", "oss", "reen", "example", "bob@example.org", "bob bobby"])
def test_other_parts_of_words_do_not_match(find, person, text):
    person("bob", display_name="Robert Green Moss")

    assert find(text) == []


@pytest.mark.parametrize("text", ["%%", "__", "b%", "b_b", "'; --", "\\\\", "b\0b", "b" * 60_000])
def test_special_characters_are_plain_text(find, bob, text):
    assert find(text) == []


def test_search_leaves_out_the_current_user(find, alice):
    assert find("alice") == []


def test_suspended_and_deleted_users_are_not_found(find, bob, carol):
    assert (find("bo"), find("car")) == (["bob"], ["carol"])

    suspend(user=bob)
    delete_account(user=carol, password=PASSWORD)

    assert (find("bo"), find("car"), find("deleted")) == ([], [], [])


def test_cursor_leads_to_the_next_page(program, alice, crowd):
    client, names = program(alice), crowd(5)

    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get("/users", {"search": "person", "limit": 2, "cursor": cursor}).json()
        found += [user["username"] for user in page["results"]]
        cursor, pages = page["next"], pages + 1

    assert (found, pages) == (sorted(names), 3)


def test_page_has_fifty_users_by_default(find, crowd):
    crowd(51)

    assert len(find("person")) == 50
    assert len(find("person", limit=100)) == 51


@pytest.mark.parametrize("cursor", ["nobody", "\0", "é", "z" * 10_000])
def test_any_text_is_accepted_as_a_cursor(find, bob, cursor):
    assert find("bo", cursor=cursor) in (["bob"], [])


def test_user_with_several_matching_words_is_found_once(program, alice, person):
    for username in ("mara", "mary", "mason"):
        person(username, display_name="Mary Mason May")
    client = program(alice)

    found, cursor = [], ""
    while cursor is not None:
        page = client.get("/users", {"search": "ma", "limit": 1, "cursor": cursor}).json()
        found += [user["username"] for user in page["results"]]
        cursor = page["next"]

    assert found == ["mara", "mary", "mason"]


def test_renamed_user_is_found_by_the_new_name_only(program, find, bob):
    program(bob).patch("/users/me", {"display_name": "Robert Moss"})
    assert (find("rob"), find("moss"), find("bob")) == (["bob"], ["bob"], ["bob"])

    program(bob).patch("/users/me", {"display_name": "Roberta"})
    assert (find("rob"), find("moss")) == (["bob"], [])


@pytest.mark.django_db(transaction=True)
def test_concurrent_renames_index_one_name(together, find, bob):
    names = ["Ann Lee", "Eve Fox"]
    bobs = [User.objects.get(id=bob.id) for _name in names]

    together(
        *(
            partial(update_profile, user=each, display_name=name)
            for each, name in zip(bobs, names, strict=True)
        ),
        times=3,
    )

    assert sorted([find("ann lee"), find("eve fox")]) == [[], ["bob"]]


def test_new_user_is_found_immediately(stranger, find, alice):
    answer = stranger.post(
        "/auth/register",
        {
            "username": "newbie",
            "email": "n@example.org",
            "password": PASSWORD,
            "display_name": "Nia",
        },
    )

    assert (answer.status_code, find("nia"), find("newb")) == (201, ["newbie"], ["newbie"])


def test_rebuilding_the_index_adds_missing_words(find, bob, carol):
    NameWord.objects.filter(user=bob).delete()
    assert find("bo") == []

    call_command("rebuild_search")

    assert (find("bo"), find("car")) == (["bob"], ["carol"])


def test_rebuilding_the_index_replaces_wrong_words(find, bob):
    User.objects.filter(id=bob.id).update(display_name="Somebody Else")
    assert find("somebody") == []

    call_command("rebuild_search")

    assert find("somebody") == ["bob"]


def test_rebuilding_the_index_includes_suspended_users(find, bob):
    suspend(user=bob)
    NameWord.objects.filter(user=bob).delete()
    call_command("rebuild_search")

    restore(user=bob)

    assert find("bo") == ["bob"]


@pytest.mark.parametrize("text", ["", "b", " b ", "\t\n", "@b", "@"])
def test_search_with_one_character_is_refused(program, alice, text):
    answer = program(alice).get("/users", {"search": text})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["search"])


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "x", "", "1.5", "٣", "0" * 19 + "1" + "9" * 30, "9" * 5000]
)
def test_invalid_limit_is_refused(program, alice, limit):
    answer = program(alice).get("/users", {"search": "bo", "limit": limit})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["limit"])


def test_search_requires_a_login(stranger, alice):
    assert stranger.get("/users?search=al").status_code == 401
    assert stranger.get("/users/alice").status_code == 401


# One profile


@pytest.mark.parametrize("name", ["bob", "BOB", "Ｂｏｂ"])
def test_profile_is_found_by_any_spelling_of_the_username(program, alice, bob, name):
    answer = program(alice).get(f"/users/{quote(name)}")

    assert (answer.status_code, answer.json()["username"]) == (200, "bob")
    assert not {"email", "created_at", "password"} & set(answer.json())


@pytest.mark.parametrize("name", ["nobody", "b", "bo%00b", "%00", "%F0%9F%91%8D", "b" * 10_000])
def test_unknown_username_is_not_found(program, alice, bob, name):
    assert program(alice).get(f"/users/{name}").status_code == 404


def test_suspended_and_deleted_users_have_no_profile(program, alice, bob, carol):
    suspend(user=bob)
    delete_account(user=carol, password=PASSWORD)

    for name in ("bob", "carol", carol.username):
        assert program(alice).get(f"/users/{name}").status_code == 404
