"""The rules for visible text, and that names, titles, descriptions and messages follow them."""

from __future__ import annotations

import pytest

from chatflow.text.visible import is_one_line, is_visible, trimmed
from messaging.models import Message, Report
from tests.conftest import PASSWORD

INVISIBLE = (
    "\u00ad", "\u034f", "\u115f", "\u1160", "\u200b", "\u200d", "\u2060", "\u2800", "\u3164",
    "\ufe0f", "\ufeff", "\uffa0", "\ufffc", "\U000e0001", "\u0301", "\u2003\u200b\u3164",
)  # fmt: skip
NOT_ONE_LINE = (
    "a\nb",
    "a\r\nb",
    "a\u2028b",
    "a\x07b",
    "a\0b",
    "a\u0085b",
    "\u202egnip",
    "\u2066a",
)
VISIBLE = (
    "a", "é", "漢", "שלום", "❤️", "👨‍👩‍👧‍👦", "\U0001faea", "!", "⠁", "ㅎ",
    "می\u200cخواهم", "\u200fשלום", "\u06dd",
)  # fmt: skip


@pytest.mark.parametrize("text", INVISIBLE)
def test_invisible_characters_are_not_visible(text):
    assert not is_visible(text)
    assert is_visible(f"{text}a")


@pytest.mark.parametrize("text", VISIBLE)
def test_readable_text_is_visible_and_one_line(text):
    assert is_visible(text)
    assert is_one_line(text)


@pytest.mark.parametrize("text", NOT_ONE_LINE)
def test_line_breaks_and_controls_are_not_one_line(text):
    assert not is_one_line(text)


def test_trimmed_unifies_line_breaks():
    assert trimmed("\r\na\r\nb\rc\n\n") == "a\nb\nc"


@pytest.fixture
def send(program, alice, direct):
    client = program(alice)
    return lambda body: client.post(f"/conversations/{direct.id}/messages", {"body": body})


@pytest.mark.parametrize("body", INVISIBLE)
def test_invisible_message_is_refused(send, body):
    answer = send(body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["body"])
    assert not Message.objects.exists()


def test_invisible_edit_is_refused(program, alice, direct, say):
    message = say(alice, direct)

    answer = program(alice).patch(
        f"/conversations/{direct.id}/messages/{message.id}", {"body": "\u3164"}
    )

    assert answer.status_code == 400


def test_line_breaks_of_a_form_count_as_one_character(send):
    answer = send("a\r\n" * 2048 + "\r\n")

    assert (answer.status_code, answer.json()["body"]) == (201, ("a\n" * 2048).strip())


@pytest.mark.parametrize("name", [*INVISIBLE, *NOT_ONE_LINE])
def test_unreadable_display_name_is_refused(program, client, alice, name):
    changed = program(alice).patch("/users/me", {"display_name": name})
    erin = {"username": "erin", "email": "erin@example.org", "password": PASSWORD}
    registered = client.post(
        "/auth/register", erin | {"display_name": name}, content_type="application/json"
    )

    assert (changed.status_code, registered.status_code) == (400, 400)
    assert list(changed.json()["errors"]) == list(registered.json()["errors"]) == ["display_name"]


@pytest.mark.parametrize("title", [*INVISIBLE, *NOT_ONE_LINE])
def test_unreadable_group_title_is_refused(program, alice, bob, carol, group, title):
    started = program(alice).post(
        "/conversations", {"kind": "group", "title": title, "members": ["bob", "carol"]}
    )
    renamed = program(alice).patch(f"/conversations/{group.id}", {"title": title})

    assert (started.status_code, renamed.status_code) == (400, 400)
    assert list(renamed.json()["errors"]) == ["title"]


@pytest.mark.parametrize("about", NOT_ONE_LINE)
def test_about_with_line_breaks_is_refused(program, alice, about):
    answer = program(alice).patch("/users/me", {"about": about})

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["about"])
    assert alice.about == ""


@pytest.mark.parametrize("text", VISIBLE)
def test_readable_text_is_accepted_everywhere(program, alice, group, send, text):
    client = program(alice)

    answers = [
        send(text),
        client.patch("/users/me", {"display_name": text, "about": text}),
        client.patch(f"/conversations/{group.id}", {"title": text}),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 200]


def test_invisible_comment_of_a_report_is_ignored(program, bob, carol, alice, direct):
    """A comment would need a conversation to encrypt it; carol shares none with alice."""
    answer = program(carol).post("/users/alice/report", {"reason": "spam", "comment": "\u3164"})

    assert answer.status_code == 201
    assert not Report.objects.get().sealed_content
