"""One's own data as a zip: all that one may read, nothing that one may not."""

from __future__ import annotations

import asyncio
import io
import json
from zipfile import ZipFile

import pytest

from accounts.services import block, change_avatar, suspend
from conversations.models import Conversation, Membership
from conversations.services import add_members, leave, save_draft
from messaging import export as exports
from messaging.export import archive_of, export
from messaging.models import Message
from messaging.reports import report_message
from messaging.services import react
from tests.accounts.test_avatar import picture
from tests.conftest import PASSWORD

FILES = {
    "README.txt", "profile.json", "logins.json", "blocks.json", "reports.json",
    "conversations.json", "messages.jsonl", "reactions.jsonl",
}  # fmt: skip


@pytest.fixture
def exported():
    """exported(alice) is what the files of her archive say, by name."""

    def read(user):
        archive = ZipFile(io.BytesIO(b"".join(archive_of(user))))
        assert archive.testzip() is None
        return {name: said_in(name, archive.read(name)) for name in archive.namelist()}

    return read


def said_in(name, content):
    if name.endswith(".json"):
        return json.loads(content)
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    return content


def bodies(files):
    return [message["body"] for message in files["messages.jsonl"]]


async def gathered(chunks):
    return b"".join([chunk async for chunk in chunks])


def test_alice_takes_everything_of_hers_along(exported, alice, bob, group, direct, say, membership):
    change_avatar(user=alice, picture=picture())
    block(user=alice, username="dave")
    message = say(bob, group, "Hello from bob")
    say(alice, direct, "Hello from alice")
    react(membership=membership(alice, group), message_id=message.id, emoji="🌷")
    save_draft(membership=membership(alice, direct), text="Dear bob")
    report_message(membership=membership(alice, group), message_id=message.id, reason="spam")

    files = exported(alice)

    assert files.keys() == FILES | {"avatar.webp"}
    assert files["profile.json"]["email"] == "alice@example.org"
    assert files["blocks.json"] == ["dave"]
    assert [report["person__username"] for report in files["reports.json"]] == ["bob"]
    assert [each["emoji"] for each in files["reactions.jsonl"]] == ["🌷"]
    assert {"Hello from bob", "Hello from alice"} <= set(bodies(files))
    assert {(each["title"], each["draft"]) for each in files["conversations.json"]} == {
        ("Garden", ""),
        ("Bob", "Dear bob"),
    }
    assert files["avatar.webp"].startswith(b"RIFF")


def test_sign_ins_are_in_it_and_secrets_are_not(exported, program, alice):
    login = program(alice).login_row
    everything = b"".join(archive_of(alice))

    [listed] = exported(alice)["logins.json"]

    assert (listed["id"], listed["ip"]) == (str(login.id), "127.0.0.1")
    assert login.refresh_id.encode() not in everything
    assert alice.password not in str(exported(alice))
    assert login.refresh_id not in str(exported(alice))


def test_a_newcomer_takes_what_came_after(exported, alice, mallory, group, say, membership):
    say(alice, group, "before")
    add_members(membership=membership(alice, group), usernames=["mallory"])
    say(alice, group, "after")

    assert bodies(exported(mallory)) == ["Alice added Mallory", "after"]


def test_what_a_block_keeps_away_is_not_in_it(exported, alice, bob, direct, say):
    block(user=alice, username="bob")
    say(bob, direct, "hidden")

    assert bodies(exported(alice)) == []
    assert bodies(exported(bob)) == ["hidden"]


def test_of_a_group_that_was_left_one_s_own_words_alone(
    exported, alice, bob, group, say, membership
):
    question = say(alice, group, "a question")
    say(bob, group, "my answer", reply_to=question.id)
    leave(membership=membership(bob, group))
    say(alice, group, "after he left")

    files = exported(bob)

    assert bodies(files) == ["my answer"]
    assert "reply_to" not in files["messages.jsonl"][0]
    assert [(each["title"], each["role"]) for each in files["conversations.json"]] == [
        (None, "member")
    ]


def test_whoever_came_back_keeps_their_own_words_of_before(
    exported, alice, bob, group, say, membership
):
    say(bob, group, "said before")
    say(alice, group, "answered before")
    leave(membership=membership(bob, group))
    say(alice, group, "meanwhile")
    add_members(membership=membership(alice, group), usernames=["bob"])
    say(bob, group, "said since")
    say(alice, group, "answered since")

    assert bodies(exported(bob)) == [
        "said before", "Alice added Bob", "said since", "answered since",
    ]  # fmt: skip


def test_mallory_takes_nothing_of_others(exported, alice, mallory, group, direct, say):
    say(alice, group, "secret")

    files = exported(mallory)

    assert (files["messages.jsonl"], files["conversations.json"]) == ([], [])


def test_all_pages_are_in_it(exported, alice, direct, say, monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 2)
    said = [say(alice, direct, f"{number}").body for number in range(7)]

    assert bodies(exported(alice)) == said


def test_what_cannot_be_read_breaks_nothing(exported, alice, direct, group, say):
    altered = say(alice, direct, "altered")
    say(alice, group, "fine")
    Message.objects.filter(id=altered.id).update(sealed_body=b"x" * 40)
    Membership.objects.of(alice).update(sealed_draft=b"x" * 40)
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    assert {"This message cannot be read.", "fine"} <= set(bodies(exported(alice)))


def test_it_is_made_while_it_is_sent(alice, direct, say, monkeypatch, django_assert_num_queries):
    steps = archive_of(alice)

    with django_assert_num_queries(0):
        assert next(steps).startswith(b"PK")


# --- the doors -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["api", "page"])
async def test_it_is_downloaded(program, browser, alice, direct, say, door):
    def ask():
        say(alice, direct, "hello")
        if door == "api":
            return program(alice).post("/users/me/export", {"password": PASSWORD})
        return browser(alice).post("/settings/export", {"export-password": PASSWORD})

    answer = await asyncio.to_thread(ask)
    archive = ZipFile(io.BytesIO(await gathered(answer.streaming_content)))
    answer.close()

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"].startswith('attachment; filename="chatflow-')
    assert "no-store" in answer["Cache-Control"]
    assert b'"body": "hello"' in archive.read("messages.jsonl")


def test_one_at_a_time(program, alice, bob):
    first = export(user=alice, password=PASSWORD)

    meanwhile = program(alice).post("/users/me/export", {"password": PASSWORD})
    export(user=bob, password=PASSWORD).close()
    first.close()
    export(user=alice, password=PASSWORD).close()

    assert meanwhile.status_code == 409
    assert meanwhile.json()["type"] == "urn:chatflow:already_exporting"


def test_only_the_password_exports(program, browser, alice):
    answer = program(alice).post("/users/me/export", {"password": "wrong"})
    page = browser(alice).post("/settings/export", {"export-password": "wrong"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert page.status_code == 422
    assert "This is not your password." in page.content.decode()


def test_whoever_is_suspended_exports_nothing(program, alice):
    client = program(alice)
    suspend(user=alice)

    assert client.post("/users/me/export", {"password": PASSWORD}).status_code == 401
