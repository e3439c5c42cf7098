"""Searching messages over the API: what matches, filters, permissions and pages."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.services import block, delete_account, unblock
from conversations.models import Conversation, Membership
from conversations.services import add_members, leave, remove_member, start_direct, start_group
from messaging.models import Message
from messaging.search import results as searching
from messaging.search.scan import SortKey
from messaging.services import delete_message, edit_message, react


@pytest.fixture
def found(program):
    """Return a function that returns the bodies which a user finds: found(alice, "hello")."""

    def find(user, q, **filters):
        answer = program(user).get("/messages", {"q": q} | filters)
        assert answer.status_code == 200, answer.json()
        return [result["message"]["body"] for result in answer.json()["results"]]

    return find


@pytest.fixture
def pages(program):
    """Return a function that yields each page of bodies: pages(alice, "hello", limit=2)."""

    def find(user, q, **filters):
        client, following = program(user), ""
        while following is not None:
            answer = client.get("/messages", {"q": q, "cursor": following} | filters).json()
            yield [result["message"]["body"] for result in answer["results"]]
            following = answer["next"]

    return find


@pytest.fixture
def garden(alice, bob, direct, group, say):
    """Send three messages about the garden in two conversations, and another one."""
    say(alice, direct, "The garden needs water")
    say(bob, direct, "I like trains")
    say(bob, group, "Who was in the garden today?")
    say(alice, group, "Gardening is my favourite")


# --- matching ------------------------------------------------------------------------------------


def test_result_has_message_conversation_and_highlights(program, alice, bob, direct, say):
    message = say(bob, direct, "Say hello, hello!")

    [result] = program(alice).get("/messages?q=hello").json()["results"]

    history = program(alice).get(f"/conversations/{direct.id}/messages").json()
    assert result["message"] == history["results"][0]
    assert result["message"]["id"] == str(message.id)
    assert result["conversation"] == {"id": str(direct.id), "kind": "direct", "title": "Bob"}
    assert result["highlights"] == [[4, 9], [11, 16]]


def test_result_has_quote_and_reactions(program, alice, bob, direct, say, membership):
    question = say(alice, direct, "Tea?")
    message = say(bob, direct, "Yes, hello", reply_to=question.id)
    react(membership=membership(alice, direct), message_id=message.id, emoji="🌻")

    [result] = program(alice).get("/messages?q=hello").json()["results"]

    history = program(alice).get(f"/conversations/{direct.id}/messages").json()
    assert result["message"]["reply_to"]
    assert result["message"]["reactions"]
    assert result["message"] == history["results"][1]


def test_results_of_all_conversations_are_sorted_newest_first(alice, garden, found):
    assert found(alice, "garden") == [
        "Gardening is my favourite",
        "Who was in the garden today?",
        "The garden needs water",
    ]


def test_message_must_contain_all_words(alice, garden, found):
    assert found(alice, "water garden") == ["The garden needs water"]
    assert found(alice, "water trains") == []


def test_word_matches_by_prefix_but_not_by_infix(alice, garden, found):
    assert len(found(alice, "gar")) == 3
    assert found(alice, "gardeni") == ["Gardening is my favourite"]
    assert found(alice, "garder") == []
    assert found(alice, "arden") == []


def test_short_word_matches_whole_words_only(alice, direct, say, found):
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
def test_case_and_accents_are_ignored(alice, direct, say, found, body, q):
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
def test_unspaced_scripts_match_anywhere(alice, direct, say, found, body, there, not_there):
    say(alice, direct, body)

    assert [q for q in there if found(alice, q) != [body]] == []
    assert [q for q in not_there if found(alice, q) != []] == []


@pytest.mark.parametrize("q", ["-garden", '"garden"', "garden*", "(garden OR", "garden AND", "g:"])
def test_operators_have_no_meaning(alice, garden, found, q):
    wanted = {"(garden OR": 0, "garden AND": 0, "g:": 0}.get(q, 3)

    assert len(found(alice, q)) == wanted


def test_word_longer_than_the_indexed_part_is_compared_with_the_text(alice, direct, say, found):
    say(alice, direct, "Donaudampfschifffahrtsgesellschaft")
    say(alice, direct, "Donaudampfer")

    assert found(alice, "Donaudampfs") == ["Donaudampfschifffahrtsgesellschaft"]
    assert found(alice, "Donaudampfx") == []


def test_words_beyond_the_index_lookups_are_compared_with_the_text(alice, direct, say, found):
    body = "one two three four five six seven eight nine ten"
    say(alice, direct, body)

    assert found(alice, body) == [body]
    assert found(alice, f"{body} no") == []


# --- filters -------------------------------------------------------------------------------------


def test_filter_by_conversation(alice, direct, garden, found):
    assert found(alice, "garden", conversation=direct.id) == ["The garden needs water"]


def test_filter_by_sender(alice, garden, found):
    assert found(alice, "garden", sender="BOB") == ["Who was in the garden today?"]
    assert found(alice, "garden", sender="nobody") == []


def test_filter_by_time(alice, direct, say, found):
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
def test_invalid_parameters_are_refused(program, alice, parameters, field):
    answer = program(alice).get("/messages", parameters)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("cursor", ["x", "é", "MjAyNg", "MjAyNi0wMS0wMSA1IDU"])
def test_invalid_cursor_is_refused(program, alice, cursor):
    answer = program(alice).get("/messages", {"q": "hi", "cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


def test_cursor_with_a_number_that_no_column_holds_is_refused(program, alice, direct):
    cursor = SortKey(timezone.now(), direct.id, 10**30).cursor

    answer = program(alice).get("/messages", {"q": "hi", "cursor": cursor})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:chatflow:bad_cursor")


@pytest.mark.parametrize("seq", [-5, 0, 10**18])
def test_forged_cursor_returns_no_result_twice(program, alice, direct, garden, found, seq):
    cursor = SortKey(timezone.now(), direct.id, seq).cursor

    bodies = found(alice, "garden", cursor=cursor)

    assert len(bodies) == len(set(bodies)) <= 3


# --- permissions ---------------------------------------------------------------------------------


def test_search_requires_authentication(client, garden):
    assert client.get("/messages?q=garden").status_code == 401


def test_outsider_finds_nothing(program, mallory, group, garden, found):
    assert found(mallory, "garden") == []
    for conversation in (group.id, uuid.uuid4()):
        answer = program(mallory).get("/messages", {"q": "garden", "conversation": conversation})
        assert answer.status_code == 404


def test_former_member_finds_nothing(program, bob, group, garden, found, membership):
    leave(membership=membership(bob, group))

    assert found(bob, "who garden") == []
    answer = program(bob).get("/messages", {"q": "garden", "conversation": group.id})
    assert answer.status_code == 404


def test_new_member_finds_only_messages_sent_after_joining(
    alice, mallory, group, garden, say, found, membership
):
    add_members(membership=membership(alice, group), usernames=["mallory"])
    say(alice, group, "Welcome to the garden")

    assert found(mallory, "garden") == ["Welcome to the garden"]


def test_returning_member_finds_no_earlier_messages(alice, bob, group, garden, found, membership):
    remove_member(membership=membership(alice, group), username="bob")
    add_members(membership=membership(alice, group), usernames=["bob"])

    assert found(bob, "garden", conversation=group.id) == []


def test_message_hidden_by_a_block_is_found_by_its_sender_only(alice, bob, direct, say, found):
    block(user=alice, username="bob")
    say(bob, direct, "let me in")
    unblock(user=alice, username="bob")
    say(bob, direct, "let us talk")

    assert found(alice, "let") == ["let us talk"]
    assert found(bob, "let") == ["let us talk", "let me in"]


def test_system_messages_are_not_found(alice, group, found):
    assert found(alice, "Garden") == []
    assert found(alice, "created") == []


def test_messages_of_deleted_account_are_still_found(alice, bob, direct, say, found):
    say(bob, direct, "remember me")
    delete_account(user=bob, password="correct horse battery")

    assert found(alice, "remember") == ["remember me"]
    assert found(alice, "remember", sender="bob") == []


# --- edit and delete -----------------------------------------------------------------------------


def test_edited_message_is_found_by_its_new_text_only(alice, direct, say, found, membership):
    message = say(alice, direct, "hello world")
    edit_message(membership=membership(alice, direct), message_id=message.id, body="help the world")

    assert found(alice, "hello") == []
    assert found(alice, "help") == found(alice, "world") == ["help the world"]
    assert found(alice, "help", sender="alice") == ["help the world"]


def test_deleted_message_is_not_found(alice, bob, direct, say, found, membership):
    message = say(alice, direct, "hello world")
    say(bob, direct, "hello yourself")
    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert found(bob, "hello") == ["hello yourself"]
    assert found(bob, "world") == []


def test_undecryptable_message_is_not_found(alice, direct, say, found):
    message = say(alice, direct, "this message")
    Message.objects.filter(id=message.id).update(sealed_body=b"tampered with")

    assert found(alice, "message") == []


def test_conversation_with_unreadable_key_does_not_stop_the_search_of_others(
    alice, direct, garden, found
):
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    assert len(found(alice, "garden")) == 2


# --- pagination ----------------------------------------------------------------------------------


@pytest.fixture
def long_ago(alice, bob, carol, say):
    """Send 12 messages in each of five conversations by turns; every third is about rain."""
    talks = [start_direct(user=alice, username=name)[0] for name in ("bob", "carol")]
    talks += [start_group(user=alice, title=str(n), usernames=["bob", "carol"]) for n in range(3)]
    said = []
    for number in range(60):
        body = f"line {number} {'rain' if number % 3 == 0 else 'sun'}"
        say(alice, talks[number * 7 % 5], body)
        said.insert(0, body)
    return said


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_contain_each_result_once_and_in_order(alice, long_ago, pages, limit):
    shown = list(pages(alice, "line", limit=limit))

    assert [body for page in shown for body in page] == long_ago
    assert {len(page) for page in shown[:-1]} <= {limit}


def test_messages_with_equal_timestamps_are_found_once(alice, long_ago, pages):
    Message.objects.update(created_at=timezone.now())

    shown = [body for page in pages(alice, "rain", limit=3) for body in page]

    assert sorted(shown) == sorted(body for body in long_ago if "rain" in body)


def test_clock_that_was_set_back_loses_no_results(alice, direct, say, pages):
    now = timezone.now()
    for number in range(9):
        message = say(alice, direct, f"line {number}")
        Message.objects.filter(id=message.id).update(created_at=now - timedelta(seconds=number % 3))

    shown = [body for page in pages(alice, "line", limit=2) for body in page]

    assert shown == [f"line {number}" for number in reversed(range(9))]


def test_search_at_its_limit_continues_on_the_next_page(alice, long_ago, pages, monkeypatch):
    monkeypatch.setattr(searching, "MAX_MESSAGES", 4)
    monkeypatch.setattr(searching, "MAX_SCANS_PER_STEP", 2)

    shown = list(pages(alice, "rain", limit=5))

    assert [body for page in shown for body in page] == [
        body for body in long_ago if "rain" in body
    ]
    assert len(shown) > 4


def test_message_sent_between_two_pages_does_not_shift_results(program, alice, direct, say):
    for number in range(4):
        say(alice, direct, f"line {number}")
    client = program(alice)
    first = client.get("/messages?q=line&limit=2").json()
    say(alice, direct, "line 4")

    second = client.get("/messages", {"q": "line", "limit": 2, "cursor": first["next"]}).json()

    assert [each["message"]["seq"] for each in second["results"]] == [2, 1]
    assert second["next"] is None


def test_full_last_page_has_no_cursor(program, alice, direct, say):
    say(alice, direct, "one line")
    say(alice, direct, "another line")

    assert program(alice).get("/messages?q=line&limit=2").json()["next"] is None


def test_member_removed_between_two_pages_finds_nothing_more(
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
