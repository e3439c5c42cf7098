"""A user who exceeds a limit gets a clear error and loses no text."""

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


def messages_url(conversation) -> str:
    return f"/chats/{conversation.id}/messages"


def assert_rate_limited(answer) -> str:
    page = answer.content.decode()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert re.search(r"data-detail>Too many requests. Try again in \d+ second", page)
    return page


@pytest.mark.parametrize("headers", [PAGE, HTMX])
def test_rate_limited_message_is_kept_in_the_page(browser, few, alice, direct, headers):
    few(limits.WRITING, 1)
    client = browser(alice)
    client.post(messages_url(direct), {"body": "one"}, headers=headers)

    page = assert_rate_limited(
        client.post(messages_url(direct), {"body": "two <b>"}, headers=headers)
    )

    assert "two &lt;b&gt;</textarea>" in page
    assert "Try again</button>" in page
    assert Message.objects.count() == 1


def test_retry_form_contains_all_fields(browser, few, alice, bob, direct, say):
    few(limits.WRITING, 1)
    first = say(bob, direct, "a question")
    client = browser(alice)
    client.post(messages_url(direct), {"body": "one"}, headers=PAGE)
    page = client.post(
        messages_url(direct), {"body": "two", "reply_to": str(first.id)}, headers=PAGE
    )

    hidden = re.findall(r'<input name="(\w+)" value="(.*?)" type="hidden">', page.content.decode())

    assert hidden == [("reply_to", str(first.id))]


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_changes_of_messages_count_as_writing(browser, few, alice, direct, say, act):
    message = say(alice, direct)
    few(limits.WRITING, 1)
    client = browser(alice)
    where = f"{messages_url(direct)}/{message.id}/{act}"
    assert client.post(where, {"body": "x", "emoji": "👍"}, headers=HTMX).status_code == 200

    assert_rate_limited(client.post(where, {"body": "x", "emoji": "👍"}, headers=HTMX))


def test_starting_conversations_and_adding_members_share_a_limit(
    browser, program, few, alice, bob, carol, group
):
    few(limits.STARTING, 2)
    client, api = browser(alice), program(alice)
    client.post("/chats/new", {"member": "bob"})
    trio = {"kind": "group", "title": "Trio", "members": ["bob", "carol"]}
    assert api.post("/conversations", trio).status_code == 201

    page = assert_rate_limited(
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
def test_people_search_is_limited_per_user(browser, few, alice, bob, path):
    few(limits.SEARCH, 1)
    client = browser(alice)
    assert client.get(path).status_code == 200

    answer = client.get(path, headers=PAGE)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert browser(bob).get(path).status_code == 200


def test_message_and_people_search_share_a_limit(program, few, alice, direct, say):
    say(alice, direct, "hello there")
    few(limits.SEARCH, 2)
    client = program(alice)
    assert client.get("/messages?q=hello").status_code == 200
    assert client.get("/users?search=bo").status_code == 200

    assert client.get("/messages?q=hello").status_code == 429


def test_viewing_pages_does_not_count(browser, few, alice, direct):
    few(limits.SEARCH, 1)
    client = browser(alice)

    for _ in range(3):
        assert client.get("/chats/new").status_code == 200
        assert client.get(f"/chats/{direct.id}").status_code == 200


def test_avatar_uploads_are_limited(browser, program, few, alice):
    few(limits.UPLOAD, 1)
    photo = SimpleUploadedFile("me.png", picture().getvalue(), "image/png")
    assert (
        program(alice).put("/users/me/avatar", {"file": photo}, format="multipart").status_code
        == 200
    )

    photo.seek(0)
    page = assert_rate_limited(
        browser(alice).post("/settings/avatar", {"file": photo}, headers=PAGE)
    )

    assert "Try again</button>" not in page


def test_form_with_a_password_is_not_repeated(browser, few, alice):
    few(limits.PASSWORD, 1)
    client = browser(alice)
    form = {"current": "my dear old one", "new": "my secret new one"}
    assert client.post("/settings/password", form).status_code == 422

    page = assert_rate_limited(client.post("/settings/password", form, headers=PAGE))

    assert "secret" not in page
    assert "old one" not in page


def test_rate_limit_error_is_translated(browser, few, alice, direct):
    few(limits.WRITING, 1)
    german = {"Accept-Language": "de"} | PAGE
    client = browser(alice)
    client.post(messages_url(direct), {"body": "eins"}, headers=german)

    answer = client.post(messages_url(direct), {"body": "zwei"}, headers=german)

    assert "Zu viele Anfragen" in answer.content.decode()
