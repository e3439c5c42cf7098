"""What a message may say."""

from __future__ import annotations

import json

import pytest

from messaging.models import Message


@pytest.fixture
def send(program, alice, direct):
    client = program(alice)
    return lambda body: client.post(f"/conversations/{direct.id}/messages", {"body": body})


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "{{ 7 * 7 }} {% now %} %s %(actor)s",
        '{"notice": "left", "actor": "Bob", "subject": ""}',
        "'; DROP TABLE messaging_message; --",
        "👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿🤷🏽‍♀️",
        "שלום עולם\u202e!",
        "one\n\n  two\ttabbed",
        "é e\u0301",
        "x" * 4096,
        "🌻" * 4096,
    ],
)
def test_any_text_comes_back_as_it_was(send, program, bob, direct, body):
    answer = send(body)

    [seen] = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]

    assert answer.status_code == 201
    assert answer.json()["body"] == seen["body"] == body
    assert seen["kind"] == "text"


@pytest.mark.parametrize("body", ["  hi\n", "\u00a0hi\u2003", "hi" + " " * 5000])
def test_the_space_around_it_is_dropped(send, body):
    assert send(body).json()["body"] == "hi"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        "\n\t\u2003",
        "x" * 4097,
        "🌻" * 4097,
        "a\0b",
        None,
        5,
        1.5,
        True,
        ["hi"],
        {"a": 1},
    ],
)
def test_a_message_has_1_to_4096_characters_of_text(send, body):
    answer = send(body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Message.objects.exists()


@pytest.mark.parametrize("escaped", [r"\ud83d", r"\udf3b\ud83c", r"hi \udfff"])
def test_half_a_character_is_refused(program, alice, direct, escaped):
    answer = program(alice).post(
        f"/conversations/{direct.id}/messages",
        f'{{"body": "{escaped}"}}',
        content_type="application/json",
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])


def test_a_message_needs_a_body(program, alice, direct):
    answer = program(alice).post(f"/conversations/{direct.id}/messages", {"text": "hi"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])


def test_script_is_text_on_the_page_that_sockets_are_sent(alice, direct, say, announced):
    with announced() as events:
        say(alice, direct, "<script>alert(1)</script>")

    assert "<script>" not in events[0].html
    assert "&lt;script&gt;" in events[0].html
    assert json.loads(events[0].json)["message"]["body"] == "<script>alert(1)</script>"
