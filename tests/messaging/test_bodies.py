"""The text of a message: what is accepted, stored and escaped."""

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
        '{"kind": "left", "actor": "Bob", "subject": "", "count": 1}',
        "'; DROP TABLE messaging_message; --",
        "👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿🤷🏽‍♀️",
        "שלום עולם\u202e!",
        "one\n\n  two\ttabbed",
        "é e\u0301",
        "x" * 4096,
        "🌻" * 4096,
    ],
)
def test_text_is_stored_unchanged(send, program, bob, direct, body):
    answer = send(body)

    [seen] = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]

    assert answer.status_code == 201
    assert answer.json()["body"] == seen["body"] == body
    assert seen["kind"] == "text"


@pytest.mark.parametrize("body", ["  hi\n", "\u00a0hi\u2003", "hi" + " " * 5000])
def test_surrounding_space_is_removed(send, body):
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
def test_empty_too_long_and_non_text_bodies_are_refused(send, body):
    answer = send(body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Message.objects.exists()


@pytest.mark.parametrize("escaped", [r"\ud83d", r"\udf3b\ud83c", r"hi \udfff"])
def test_lone_surrogate_is_refused(program, alice, direct, escaped):
    answer = program(alice).post(
        f"/conversations/{direct.id}/messages",
        f'{{"body": "{escaped}"}}',
        content_type="application/json",
    )

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])


def test_message_without_a_body_is_refused(program, alice, direct):
    answer = program(alice).post(f"/conversations/{direct.id}/messages", {"text": "hi"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])


def test_html_of_live_events_is_escaped(alice, direct, say, announced):
    with announced() as events:
        say(alice, direct, "<script>alert(1)</script>")

    event = events[-1]
    assert "<script>" not in event.html
    assert "&lt;script&gt;" in event.html
    assert json.loads(event.json)["message"]["body"] == "<script>alert(1)</script>"
