"""The export of a user's own data: everything they may read and nothing else."""

from __future__ import annotations

import asyncio
import io
import json
from zipfile import ZipFile

import pytest

from accounts.services import block, change_avatar, suspend
from conversations.models import Conversation, Membership
from conversations.services import add_members, leave, save_draft
from messaging.export import archive as exports
from messaging.export.archive import archive_of, export
from messaging.models import Message
from messaging.moderation.reports import report_message
from messaging.services import react
from tests.accounts.test_avatar import picture
from tests.conftest import PASSWORD

FILES = {
    "README.txt", "profile.json", "logins.json", "blocks.json", "reports.json",
    "conversations.json", "messages.jsonl", "reactions.jsonl",
}  # fmt: skip


@pytest.fixture
def exported():
    """exported(alice) returns the contents of the files in her archive, by name."""

    def read(user):
        archive = ZipFile(io.BytesIO(b"".join(archive_of(user))))
        assert archive.testzip() is None
        return {name: said_in(name, archive.read(name)) for name in archive.namelist()}

    return read


def said_in(name, content):
    if name.endswith(".json"):
        return json.loads(content)
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in content.decode().splitlines()]
    return content


def bodies(files):
    return [message["body"] for message in files["messages.jsonl"]]


async def joined(chunks):
    return b"".join([chunk async for chunk in chunks])


def test_export_contains_all_data_of_the_user(exported, alice, bob, group, direct, say, membership):
    alice = change_avatar(user=alice, image=picture())
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


def test_export_contains_logins_without_secrets(exported, program, alice):
    login = program(alice).login_row
    everything = b"".join(archive_of(alice))

    [listed] = exported(alice)["logins.json"]

    assert (listed["id"], listed["ip"]) == (str(login.id), "127.0.0.1")
    assert login.refresh_id.encode() not in everything
    assert alice.password not in str(exported(alice))
    assert login.refresh_id not in str(exported(alice))


def test_newcomer_exports_only_messages_after_joining(
    exported, alice, mallory, group, say, membership
):
    say(alice, group, "before")
    add_members(membership=membership(alice, group), usernames=["mallory"])
    say(alice, group, "after")

    assert bodies(exported(mallory)) == ["Alice added Mallory", "after"]


def test_blocked_messages_are_not_exported(exported, alice, bob, direct, say):
    block(user=alice, username="bob")
    say(bob, direct, "hidden")

    assert bodies(exported(alice)) == []
    assert bodies(exported(bob)) == ["hidden"]


def test_former_group_contains_only_own_messages(exported, alice, bob, group, say, membership):
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


def test_rejoined_group_contains_own_earlier_messages(exported, alice, bob, group, say, membership):
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


def test_export_contains_nothing_of_other_conversations(
    exported, alice, mallory, group, direct, say
):
    say(alice, group, "secret")

    files = exported(mallory)

    assert (files["messages.jsonl"], files["conversations.json"]) == ([], [])


def test_export_contains_all_pages(exported, alice, direct, say, monkeypatch):
    monkeypatch.setattr(exports, "PAGE", 2)
    said = [say(alice, direct, f"{number}").body for number in range(7)]

    assert bodies(exported(alice)) == said


def test_unicode_line_separators_are_escaped(exported, alice, direct, say):
    body = "a\u2028b\u0085c\u2029d"
    say(alice, direct, body)

    assert bodies(exported(alice)) == [body]


def test_undecryptable_messages_do_not_break_the_export(exported, alice, direct, group, say):
    altered = say(alice, direct, "altered")
    say(alice, group, "fine")
    Message.objects.filter(id=altered.id).update(sealed_body=b"x" * 40)
    Membership.objects.of(alice).update(sealed_draft=b"x" * 40)
    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    assert {"This message cannot be read.", "fine"} <= set(bodies(exported(alice)))


def test_export_is_written_while_it_is_sent(
    alice, direct, say, monkeypatch, django_assert_num_queries
):
    steps = archive_of(alice)

    with django_assert_num_queries(0):
        assert next(steps).startswith(b"PK")


# --- API and page --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["api", "page"])
async def test_export_is_downloaded(program, browser, alice, direct, say, door):
    def ask():
        say(alice, direct, "hello")
        if door == "api":
            return program(alice).post("/users/me/export", {"password": PASSWORD})
        return browser(alice).post("/settings/export", {"export-password": PASSWORD})

    answer = await asyncio.to_thread(ask)
    archive = ZipFile(io.BytesIO(await joined(answer.streaming_content)))
    answer.close()

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"].startswith('attachment; filename="chatflow-')
    assert "no-store" in answer["Cache-Control"]
    assert b'"body": "hello"' in archive.read("messages.jsonl")


@pytest.mark.django_db(transaction=True)
async def test_second_export_is_refused_while_one_is_running(program, alice, bob):
    def ask():
        return program(alice).post("/users/me/export", {"password": PASSWORD})

    begun = aiter(export(user=alice, password=PASSWORD))
    await anext(begun)

    meanwhile = await asyncio.to_thread(ask)
    assert await joined(export(user=bob, password=PASSWORD))
    await begun.aclose()

    assert meanwhile.status_code == 409
    assert meanwhile.json()["type"] == "urn:chatflow:already_exporting"
    assert await joined(export(user=alice, password=PASSWORD))


@pytest.mark.django_db(transaction=True)
async def test_one_of_two_concurrent_exports_is_refused(alice):
    first, second = (export(user=alice, password=PASSWORD) for _ in range(2))
    begun = aiter(first)
    await anext(begun)

    with pytest.raises(exports.AlreadyExporting):
        await joined(second)
    second.close()
    with pytest.raises(exports.AlreadyExporting):
        await joined(second)
    await begun.aclose()


@pytest.mark.django_db(transaction=True)
async def test_export_that_was_never_sent_can_be_repeated(alice):
    given_up = export(user=alice, password=PASSWORD)

    assert await joined(export(user=alice, password=PASSWORD))
    given_up.close()


@pytest.mark.django_db(transaction=True)
async def test_interrupted_export_can_be_repeated(alice):
    cut_off = export(user=alice, password=PASSWORD)
    sending = asyncio.create_task(joined(cut_off))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert await joined(export(user=alice, password=PASSWORD))


def test_export_requires_the_password(program, browser, alice):
    answer = program(alice).post("/users/me/export", {"password": "wrong"})
    page = browser(alice).post("/settings/export", {"export-password": "wrong"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert page.status_code == 422
    assert "Incorrect password." in page.content.decode()


def test_suspended_user_cannot_export(program, alice):
    client = program(alice)
    suspend(user=alice)

    assert client.post("/users/me/export", {"password": PASSWORD}).status_code == 401
