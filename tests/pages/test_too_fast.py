"""A user who exceeds a limit gets a calm message by every interface and loses no text."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chatflow.limits import policy as limits
from conversations.models import Conversation
from messaging.models import Message
from tests.accounts.test_avatar import picture

PAGE = {"Accept": "text/html"}
HTMX = PAGE | {"HX-Request": "true"}


def door(conversation) -> str:
    return f"/chats/{conversation.id}/messages"


def assert_calm(answer) -> str:
    page = answer.content.decode()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert re.search(r"data-detail>Too many requests. Try again in \d+ second", page)
    return page


@pytest.mark.parametrize("headers", [PAGE, HTMX])
def test_a_message_too_many(browser, few, alice, direct, headers):
    few(limits.WRITING, 1)
    client = browser(alice)
    client.post(door(direct), {"body": "one"}, headers=headers)

    page = assert_calm(client.post(door(direct), {"body": "two <b>"}, headers=headers))

    assert "two &lt;b&gt;</textarea>" in page
    assert "Try again</button>" in page
    assert Message.objects.count() == 1


def test_the_page_sends_again_what_was_to_be_sent(browser, few, alice, bob, direct, say):
    few(limits.WRITING, 1)
    first = say(bob, direct, "a question")
    client = browser(alice)
    client.post(door(direct), {"body": "one"}, headers=PAGE)
    page = client.post(door(direct), {"body": "two", "reply_to": str(first.id)}, headers=PAGE)

    hidden = re.findall(r'<input name="(\w+)" value="(.*?)" type="hidden">', page.content.decode())

    assert hidden == [("reply_to", str(first.id))]


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_second_thoughts_are_writing_as_well(browser, few, alice, direct, say, act):
    message = say(alice, direct)
    few(limits.WRITING, 1)
    client = browser(alice)
    where = f"{door(direct)}/{message.id}/{act}"
    assert client.post(where, {"body": "x", "emoji": "👍"}, headers=HTMX).status_code == 200

    assert_calm(client.post(where, {"body": "x", "emoji": "👍"}, headers=HTMX))


def test_starting_conversations_and_adding_people(browser, program, few, alice, bob, carol, group):
    few(limits.STARTING, 2)
    client, api = browser(alice), program(alice)
    client.post("/chats/new", {"member": "bob"})
    trio = {"kind": "group", "title": "Trio", "members": ["bob", "carol"]}
    assert api.post("/conversations", trio).status_code == 201

    page = assert_calm(
        client.post("/chats/new/group", {"title": "Duo", "members": ["bob", "carol"]}, headers=PAGE)
    )
    statuses = [
        api.post("/conversations", {"kind": "direct", "members": ["carol"]}).status_code,
        api.post("/conversations", trio).status_code,
        api.post(f"/conversations/{group.id}/members", {"members": ["dave"]}).status_code,
    ]

    assert 'name="members" value="carol"' in page
    assert statuses == [429] * 3
    assert Conversation.objects.count() == 3


@pytest.mark.parametrize("path", ["/people?search=bo", "/chats/new?search=bo", "/users?search=bo"])
def test_searching_for_people(browser, few, alice, bob, path):
    few(limits.SEARCH, 1)
    client = browser(alice)
    assert client.get(path).status_code == 200

    answer = client.get(path, headers=PAGE)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert browser(bob).get(path).status_code == 200


def test_searching_for_messages_and_for_people_is_one_limit(program, few, alice, direct, say):
    say(alice, direct, "hello there")
    few(limits.SEARCH, 2)
    client = program(alice)
    assert client.get("/messages?q=hello").status_code == 200
    assert client.get("/users?search=bo").status_code == 200

    assert client.get("/messages?q=hello").status_code == 429


def test_viewing_a_page_consumes_no_limit(browser, few, alice, direct):
    few(limits.SEARCH, 1)
    client = browser(alice)

    for _ in range(3):
        assert client.get("/chats/new").status_code == 200
        assert client.get(f"/chats/{direct.id}").status_code == 200


def test_uploading(browser, program, few, alice):
    few(limits.UPLOAD, 1)
    photo = SimpleUploadedFile("me.png", picture().getvalue(), "image/png")
    assert (
        program(alice).put("/users/me/avatar", {"file": photo}, format="multipart").status_code
        == 200
    )

    photo.seek(0)
    page = assert_calm(browser(alice).post("/settings/avatar", {"file": photo}, headers=PAGE))

    assert "Try again</button>" not in page


def test_a_form_with_a_password_in_it_is_not_repeated(browser, few, alice):
    few(limits.PASSWORD, 1)
    client = browser(alice)
    form = {"current": "my dear old one", "new": "my secret new one"}
    assert client.post("/settings/password", form).status_code == 422

    page = assert_calm(client.post("/settings/password", form, headers=PAGE))

    assert "secret" not in page
    assert "old one" not in page


def test_it_is_said_in_ones_own_language(browser, few, alice, direct):
    few(limits.WRITING, 1)
    german = {"Accept-Language": "de"} | PAGE
    client = browser(alice)
    client.post(door(direct), {"body": "eins"}, headers=german)

    answer = client.post(door(direct), {"body": "zwei"}, headers=german)

    assert "Zu viele Anfragen" in answer.content.decode()
