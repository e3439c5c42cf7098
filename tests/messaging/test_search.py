"""Searching messages: what is found, by whom, and what is not theirs to find."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.services import block, delete_account, unblock
from conversations.models import Conversation, Membership
from conversations.services import add_members, leave, remove_member, start_direct, start_group
from messaging import search as searching
from messaging.models import Message
from messaging.queries import Place
from messaging.services import delete_message, edit_message, react


@pytest.fixture
def found(program):
    """found(alice, "hello") is what she is shown: bodies, the newest first."""

    def ask(user, q, **filters):
        answer = program(user).get("/messages", {"q": q} | filters)
        assert answer.status_code == 200, answer.json()
        return [result["message"]["body"] for result in answer.json()["results"]]

    return ask


@pytest.fixture
def pages(program):
    """pages(alice, "hello", limit=2) is what she is shown page by page."""

    def ask(user, q, **filters):
        client, following = program(user), ""
        while following is not None:
            answer = client.get("/messages", {"q": q, "cursor": following} | filters).json()
            yield [result["message"]["body"] for result in answer["results"]]
            following = answer["next"]

    return ask


@pytest.fixture
def garden(alice, bob, direct, group, say):
    """Three lines about the garden, in two conversations, and some about other things."""
    say(alice, direct, "The garden needs water")
    say(bob, direct, "I like trains")
    say(bob, group, "Who was in the garden today?")
    say(alice, group, "Gardening is my favourite")


# --- what is found -------------------------------------------------------------------------------


def test_a_result_has_message_conversation_and_highlights(program, alice, bob, direct, say):
    message = say(bob, direct, "Say hello, hello!")

    [result] = program(alice).get("/messages?q=hello").json()["results"]

    history = program(alice).get(f"/conversations/{direct.id}/messages").json()
    assert result["message"] == history["results"][0]
    assert result["message"]["id"] == str(message.id)
    assert result["conversation"] == {"id": str(direct.id), "kind": "direct", "title": "Bob"}
    assert result["highlights"] == [[4, 9], [11, 16]]


def test_what_it_answers_and_how_people_feel_about_it_are_shown(
    program, alice, bob, direct, say, membership
):
    question = say(alice, direct, "Tea?")
    message = say(bob, direct, "Yes, hello", reply_to=question.id)
    react(membership=membership(alice, direct), message_id=message.id, emoji="🌻")

    [result] = program(alice).get("/messages?q=hello").json()["results"]

    history = program(alice).get(f"/conversations/{direct.id}/messages").json()
    assert result["message"]["reply_to"]
    assert result["message"]["reactions"]
    assert result["message"] == history["results"][1]


def test_the_newest_comes_first_in_whichever_conversation(alice, garden, found):
    assert found(alice, "garden") == [
        "Gardening is my favourite",
        "Who was in the garden today?",
        "The garden needs water",
    ]


def test_all_words_have_to_be_there(alice, garden, found):
    assert found(alice, "water garden") == ["The garden needs water"]
    assert found(alice, "water trains") == []


def test_a_word_is_found_by_its_beginning_but_not_by_its_middle(alice, garden, found):
    assert len(found(alice, "gar")) == 3
    assert found(alice, "gardeni") == ["Gardening is my favourite"]
    assert found(alice, "garder") == []
    assert found(alice, "arden") == []


def test_a_short_word_is_found_as_it_stands(alice, direct, say, found):
    for body in ("Me too", "Medal", "m or n"):
        say(alice, direct, body)

    assert found(alice, "me") == ["Me too"]
    assert found(alice, "m") == ["m or n"]


@pytest.mark.parametrize(
    ("body", "q"),
    [
        ("Große Straße", "GROSSE strasse"),
        ("Crème brûlée", "creme BRULEE"),
        ("creme", "crème"),
        ("İstanbul ISPARTA", "istanbul ısparta"),
        ("Żółć", "zolc"),
        ("Ærø", "aero"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Привет", "ПРИВЕТ"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("हिन्दी में", "हिन्दी"),
        ("ﬁnal ｆｕｌｌ", "final full"),
        ("don't", "DON'T"),
        ("x86_64", "64 x86"),
        ("snow ☃️ and 👍🏽", "👍 ☃"),
        ("see https://example.org/path", "example.org"),
    ],
)
def test_case_and_accents_make_no_difference(alice, direct, say, found, body, q):
    say(alice, direct, body)

    assert found(alice, q) == [body]
    assert found(alice, body) == [body]


@pytest.mark.parametrize(
    ("body", "there", "not_there"),
    [
        ("我的手机坏了", ["手机", "机坏", "我的手机坏了", "坏"], ["手坏", "我手", "电"]),
        ("東京タワーへ行く", ["東京", "タワー", "ﾀﾜｰ", "へ行"], ["京都", "タワへ"]),
        ("かぎがない", ["かぎ", "がな"], ["かき"]),
        ("안녕하세요 여러분", ["안녕", "하세요", "러분"], ["안하"]),
        ("สวัสดีครับ", ["สวัสดี", "ครับ"], ["ครบส"]),
        ("iPhone手机", ["iphone", "手机", "iphone手机"], ["phone手机"]),
    ],
)
def test_scripts_without_spaces_are_found_anywhere(
    alice, direct, say, found, body, there, not_there
):
    say(alice, direct, body)

    assert [q for q in there if found(alice, q) != [body]] == []
    assert [q for q in not_there if found(alice, q) != []] == []


@pytest.mark.parametrize("q", ["-garden", '"garden"', "garden*", "(garden OR", "garden AND", "g:"])
def test_operators_are_plain_text(alice, garden, found, q):
    wanted = {"(garden OR": 0, "garden AND": 0, "g:": 0}.get(q, 3)

    assert len(found(alice, q)) == wanted


def test_a_word_longer_than_the_index_knows(alice, direct, say, found):
    say(alice, direct, "Donaudampfschifffahrtsgesellschaft")
    say(alice, direct, "Donaudampfer")

    assert found(alice, "Donaudampfs") == ["Donaudampfschifffahrtsgesellschaft"]
    assert found(alice, "Donaudampfx") == []


def test_more_words_than_the_index_is_asked_for(alice, direct, say, found):
    body = "one two three four five six seven eight nine ten"
    say(alice, direct, body)

    assert found(alice, body) == [body]
    assert found(alice, f"{body} no") == []


# --- filters -------------------------------------------------------------------------------------


def test_in_one_conversation(alice, direct, garden, found):
    assert found(alice, "garden", conversation=direct.id) == ["The garden needs water"]


def test_of_one_person(alice, garden, found):
    assert found(alice, "garden", sender="BOB") == ["Who was in the garden today?"]
    assert found(alice, "garden", sender="nobody") == []


def test_within_a_time(alice, direct, say, found):
    for day in (1, 2, 3):
        message = say(alice, direct, f"Day {day}")
        Message.objects.filter(id=message.id).update(
            created_at=datetime(2026, 5, day, 12, tzinfo=UTC)
        )

    assert found(alice, "day", after="2026-05-02") == ["Day 3", "Day 2"]
    assert found(alice, "day", before="2026-05-02") == ["Day 1"]
    assert found(alice, "day", after="2026-05-01T12:00:00Z", before="2026-05-03T12:00:00Z") == [
        "Day 2",
        "Day 1",
    ]
    assert found(alice, "day", after="2026-05-03T14:00:00+02:00") == ["Day 3"]
    assert found(alice, "day", after="2027-01-01") == []
    assert found(alice, "day", before="2025-01-01") == []


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "?! …"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "hi", "conversation": "5"}, "conversation"),
        ({"q": "hi", "before": "yesterday"}, "before"),
        ({"q": "hi", "after": "0001-01-01T00:00+23:00"}, "after"),
        ({"q": "hi", "limit": "0"}, "limit"),
        ({"q": "hi", "limit": "101"}, "limit"),
    ],
)
def test_what_cannot_be_asked(program, alice, parameters, field):
    answer = program(alice).get("/messages", parameters)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("cursor", ["x", "é", "MjAyNg", "MjAyNi0wMS0wMSA1IDU"])
def test_a_cursor_that_is_none(program, alice, cursor):
    answer = program(alice).get("/messages", {"q": "hi", "cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


@pytest.mark.parametrize("seq", [-5, 0, 10**30])
def test_a_cursor_from_nowhere_finds_no_more_than_there_is(
    program, alice, direct, garden, found, seq
):
    cursor = Place(timezone.now(), direct.id, seq).cursor

    bodies = found(alice, "garden", cursor=cursor)

    assert len(bodies) == len(set(bodies)) <= 3


# --- what is not theirs --------------------------------------------------------------------------


def test_who_is_not_signed_in_finds_nothing(client, garden):
    assert client.get("/messages?q=garden").status_code == 401


def test_mallory_finds_nothing_of_others(program, mallory, group, garden, found):
    assert found(mallory, "garden") == []
    for conversation in (group.id, uuid.uuid4()):
        answer = program(mallory).get("/messages", {"q": "garden", "conversation": conversation})
        assert answer.status_code == 404


def test_who_left_finds_nothing_of_it_any_more(program, bob, group, garden, found, membership):
    leave(membership=membership(bob, group))

    assert found(bob, "who garden") == []
    answer = program(bob).get("/messages", {"q": "garden", "conversation": group.id})
    assert answer.status_code == 404


def test_a_newcomer_finds_what_came_after_joining(
    alice, mallory, group, garden, say, found, membership
):
    add_members(membership=membership(alice, group), usernames=["mallory"])
    say(alice, group, "Welcome to the garden")

    assert found(mallory, "garden") == ["Welcome to the garden"]


def test_who_comes_back_finds_nothing_of_before(alice, bob, group, garden, found, membership):
    remove_member(membership=membership(alice, group), username="bob")
    add_members(membership=membership(alice, group), usernames=["bob"])

    assert found(bob, "garden", conversation=group.id) == []


def test_what_a_block_keeps_away_is_found_by_its_sender_alone(alice, bob, direct, say, found):
    block(user=alice, username="bob")
    say(bob, direct, "let me in")
    unblock(user=alice, username="bob")
    say(bob, direct, "let us talk")

    assert found(alice, "let") == ["let us talk"]
    assert found(bob, "let") == ["let us talk", "let me in"]


def test_notices_are_nobodys_words(alice, group, found):
    assert found(alice, "Garden") == []
    assert found(alice, "created") == []


def test_a_deleted_account_does_not_take_its_words_along(alice, bob, direct, say, found):
    say(bob, direct, "remember me")
    delete_account(user=bob, password="correct horse battery")

    assert found(alice, "remember") == ["remember me"]
    assert found(alice, "remember", sender="bob") == []


# --- second thoughts -----------------------------------------------------------------------------


def test_edited_text_is_found_and_the_old_one_is_not(alice, direct, say, found, membership):
    message = say(alice, direct, "hello world")
    edit_message(membership=membership(alice, direct), message_id=message.id, body="help the world")

    assert found(alice, "hello") == []
    assert found(alice, "help") == found(alice, "world") == ["help the world"]
    assert found(alice, "help", sender="alice") == ["help the world"]


def test_deleted_text_is_not_found(alice, bob, direct, say, found, membership):
    message = say(alice, direct, "hello world")
    say(bob, direct, "hello yourself")
    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert found(bob, "hello") == ["hello yourself"]
    assert found(bob, "world") == []


def test_a_message_that_cannot_be_read_is_not_found(alice, direct, say, found):
    message = say(alice, direct, "this message")
    Message.objects.filter(id=message.id).update(sealed_body=b"tampered with")

    assert found(alice, "message") == []


def test_a_conversation_whose_key_is_gone_does_not_keep_others_from_being_searched(
    alice, direct, garden, found
):
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    assert len(found(alice, "garden")) == 2


# --- page by page --------------------------------------------------------------------------------


@pytest.fixture
def long_ago(alice, bob, carol, say):
    """Five conversations of 12 lines each, said in turns; every third line is about rain."""
    talks = [start_direct(user=alice, username=name)[0] for name in ("bob", "carol")]
    talks += [start_group(user=alice, title=str(n), usernames=["bob", "carol"]) for n in range(3)]
    said = []
    for number in range(60):
        body = f"line {number} {'rain' if number % 3 == 0 else 'sun'}"
        say(alice, talks[number * 7 % 5], body)
        said.insert(0, body)
    return said


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_have_everything_once_and_in_order(alice, long_ago, pages, limit):
    shown = list(pages(alice, "line", limit=limit))

    assert [body for page in shown for body in page] == long_ago
    assert {len(page) for page in shown[:-1]} <= {limit}


def test_what_is_said_at_one_moment_is_shown_once(alice, long_ago, pages):
    Message.objects.update(created_at=timezone.now())

    shown = [body for page in pages(alice, "rain", limit=3) for body in page]

    assert sorted(shown) == sorted(body for body in long_ago if "rain" in body)


def test_a_clock_that_was_put_back_loses_nothing(alice, direct, say, pages):
    now = timezone.now()
    for number in range(9):
        message = say(alice, direct, f"line {number}")
        Message.objects.filter(id=message.id).update(created_at=now - timedelta(seconds=number % 3))

    shown = [body for page in pages(alice, "line", limit=2) for body in page]

    assert shown == [f"line {number}" for number in reversed(range(9))]


def test_a_search_that_takes_too_long_goes_on_where_it_was(alice, long_ago, pages, monkeypatch):
    monkeypatch.setattr(searching, "MOST_MESSAGES", 4)
    monkeypatch.setattr(searching, "MOST_WALKS_A_STEP", 2)

    shown = list(pages(alice, "rain", limit=5))

    assert [body for page in shown for body in page] == [
        body for body in long_ago if "rain" in body
    ]
    assert len(shown) > 4


def test_what_is_said_while_one_turns_pages_moves_nothing(program, alice, direct, say):
    for number in range(4):
        say(alice, direct, f"line {number}")
    client = program(alice)
    first = client.get("/messages?q=line&limit=2").json()
    say(alice, direct, "line 4")

    second = client.get("/messages", {"q": "line", "limit": 2, "cursor": first["next"]}).json()

    assert [each["message"]["seq"] for each in second["results"]] == [2, 1]
    assert second["next"] is None


def test_a_page_that_is_just_full_is_the_last(program, alice, direct, say):
    say(alice, direct, "one line")
    say(alice, direct, "another line")

    assert program(alice).get("/messages?q=line&limit=2").json()["next"] is None


def test_who_is_removed_between_two_pages_is_shown_nothing_more(
    alice, bob, group, say, program, membership
):
    for number in range(3):
        say(alice, group, f"line {number}")
    client = program(bob)
    first = client.get("/messages?q=line&limit=2").json()
    remove_member(membership=membership(alice, group), username="bob")
    assert not Membership.objects.active().filter(user=bob, conversation=group).exists()

    second = client.get("/messages", {"q": "line", "limit": 2, "cursor": first["next"]}).json()

    assert second["results"] == []
