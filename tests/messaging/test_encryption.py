"""Encryption at rest: no text is readable in the database, and changes are detected."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from accounts.services import delete_account
from conversations.models import Conversation, Membership
from conversations.services import leave, save_draft, start_direct
from messaging.models import Message
from messaging.services import edit_message
from tests.conftest import PASSWORD

CANARY = "canary-in-a-coal-mine"
UNREADABLE = "This message cannot be read."


@pytest.fixture
def bodies(program, bob):
    """bodies(direct) returns the texts that Bob reads."""

    def read(conversation):
        answer = program(bob).get(f"/conversations/{conversation.id}/messages")
        assert answer.status_code == 200
        return [message["body"] for message in answer.json()["results"]]

    return read


def everything_stored():
    """Yield the bytes of every value in every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from (
                    bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()
                    for value in row
                )


def test_no_text_is_stored_in_plain(alice, bob, direct, say, membership):
    said = say(alice, direct, CANARY)
    say(bob, direct, f"re: {CANARY}", reply_to=said.id)
    edit_message(membership=membership(alice, direct), message_id=said.id, body=f"{CANARY}!")

    stored = list(everything_stored())

    assert str(said.seq).encode() in stored
    assert not [value for value in stored if b"canary" in value.lower()]


def test_equal_texts_have_different_ciphertexts(alice, direct, say):
    first, second = say(alice, direct, CANARY), say(alice, direct, CANARY)

    assert first.sealed_body != second.sealed_body


def test_each_conversation_has_its_own_key(direct, group):
    assert bytes(direct.wrapped_key) != bytes(group.wrapped_key)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda box: box[:-1] + bytes([box[-1] ^ 1]),
        lambda box: bytes([box[0] ^ 1]) + box[1:],
        lambda box: box[:-1],
        lambda box: box[:12],
        lambda box: box[:5],
        lambda box: b"",
        lambda box: box + b"x",
        lambda box: CANARY.encode(),
    ],
)
def test_altered_message_is_unreadable_and_others_are_not(alice, direct, say, bodies, tamper):
    say(alice, direct, "one")
    altered = say(alice, direct, "two")
    say(alice, direct, "three")

    Message.objects.filter(id=altered.id).update(sealed_body=tamper(altered.sealed_body))

    assert bodies(direct) == ["one", UNREADABLE, "three"]


def test_swapped_messages_are_unreadable(alice, direct, say, bodies):
    first, second, _third = (say(alice, direct, body) for body in ("yes", "no", "perhaps"))

    Message.objects.filter(id=first.id).update(sealed_body=second.sealed_body)
    Message.objects.filter(id=second.id).update(sealed_body=first.sealed_body)

    assert bodies(direct) == [UNREADABLE, UNREADABLE, "perhaps"]


def test_message_moved_to_another_conversation_is_unreadable(alice, direct, group, say, bodies):
    moved = say(alice, direct, CANARY)

    Message.objects.filter(id=moved.id).update(conversation=group, seq=99, version=99)

    assert bodies(group)[-1] == UNREADABLE


def test_altered_key_affects_only_its_conversation(alice, direct, group, say, bodies):
    say(alice, direct, "hi")

    Conversation.objects.filter(id=direct.id).update(wrapped_key=b"not a key")

    assert bodies(direct) == [UNREADABLE]
    assert UNREADABLE not in bodies(group)


def test_quote_of_an_altered_message_is_unreadable_and_the_reply_is_not(
    program, alice, bob, direct, say
):
    altered = say(alice, direct, "How is the garden?")
    say(bob, direct, "Green", reply_to=altered.id)
    Message.objects.filter(id=altered.id).update(sealed_body=b"altered")

    [_, answer] = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]

    assert (answer["body"], answer["reply_to"]["body"]) == ("Green", UNREADABLE)


def test_quote_moved_to_another_conversation_reveals_nothing(
    program, alice, bob, direct, group, say
):
    elsewhere = say(alice, group, CANARY)
    answer = say(bob, direct, "Green")
    Message.objects.filter(id=answer.id).update(reply_to=elsewhere)

    [shown] = program(bob).get(f"/conversations/{direct.id}/messages").json()["results"]

    assert (shown["body"], shown["reply_to"]["body"]) == ("Green", UNREADABLE)


@pytest.mark.parametrize("act", ["alter", "change its kind"])
def test_list_shows_an_unreadable_last_message_of_one_conversation(
    program, browser, alice, bob, direct, group, say, act
):
    say(alice, group, "In the garden")
    last = say(alice, direct, "not a system message")
    changes = {"sealed_body": b"altered"} if act == "alter" else {"kind": Message.Kind.SYSTEM}
    Message.objects.filter(id=last.id).update(**changes)

    rows = program(bob).get("/conversations").json()["results"]
    page = browser(bob).get("/").content.decode()

    assert {row["last_message"]["body"] for row in rows} == {UNREADABLE, "In the garden"}
    assert UNREADABLE in page
    assert "In the garden" in page


def test_altered_draft_is_empty_and_logged(browser, alice, direct, membership, caplog):
    page = browser(alice)
    hers = save_draft(membership=membership(alice, direct), text=CANARY)
    assert CANARY in page.get(f"/chats/{direct.id}").content.decode()

    Membership.objects.filter(id=hers.id).update(sealed_draft=bytes(hers.sealed_draft)[:-1])

    chat, home = page.get(f"/chats/{direct.id}"), page.get("/")
    assert (chat.status_code, home.status_code) == (200, 200)
    assert CANARY not in chat.content.decode() + home.content.decode()
    assert f"a draft in conversation {direct.id} cannot be read" in caplog.text


def test_draft_of_another_member_is_unreadable(alice, bob, direct, membership):
    his = save_draft(membership=membership(bob, direct), text=CANARY)
    hers = membership(alice, direct)
    assert his.sealed_draft

    Membership.objects.filter(id=hers.id).update(sealed_draft=bytes(his.sealed_draft))

    assert membership(alice, direct).draft == ""


@pytest.fixture
def keyless(group, alice, say):
    """A group with a message, whose key can no longer be unwrapped."""
    say(alice, group, CANARY)
    Conversation.objects.filter(id=group.id).update(wrapped_key=b"not a key")
    return group


@pytest.mark.parametrize("path", ["/", "/chats/{}", "/chats/{}/info", "/chats/{}/messages"])
def test_pages_show_a_conversation_with_an_altered_key(
    browser, bob, keyless, direct, membership, path
):
    Membership.objects.filter(user=bob, conversation=keyless).update(sealed_draft=b"x" * 40)

    answer = browser(bob).get(path.format(keyless.id))

    assert answer.status_code == 200
    assert CANARY not in answer.content.decode()


def test_conversation_with_an_altered_key_accepts_no_messages(
    program, browser, bob, keyless, caplog
):
    before = keyless.messages.count()

    sent = program(bob).post(f"/conversations/{keyless.id}/messages", {"body": "hi"})
    draft = browser(bob).post(f"/chats/{keyless.id}/draft", {"text": "hi"})

    assert (sent.status_code, draft.status_code) == (409, 409)
    assert sent.json()["type"] == "urn:chatflow:key_cannot_be_read"
    assert keyless.messages.count() == before
    assert f"the key of conversation {keyless.id} cannot be read" in caplog.text


def test_members_can_leave_a_conversation_with_an_altered_key(bob, keyless, membership):
    leave(membership=membership(bob, keyless))
    delete_account(user=keyless.memberships.get(role="owner").user, password=PASSWORD)

    keyless.refresh_from_db()
    assert keyless.member_count == keyless.memberships.active().count() == 1
    assert [message.body for message in keyless.messages.order_by("seq")][-3:] == [UNREADABLE] * 3


def test_log_contains_the_id_but_not_the_text(alice, direct, say, bodies, caplog):
    altered = say(alice, direct, CANARY)
    Message.objects.filter(id=altered.id).update(sealed_body=altered.sealed_body[:-1])

    bodies(direct)

    assert str(altered.id) in caplog.text
    assert CANARY not in caplog.text


def test_messages_are_unreadable_with_another_key(alice, direct, say, bodies, settings):
    say(alice, direct, "hi")

    settings.MESSAGE_KEYS = (Fernet.generate_key().decode(),)

    assert bodies(direct) == [UNREADABLE]


def test_first_key_encrypts_and_older_keys_still_decrypt(
    alice, bob, carol, direct, say, bodies, settings
):
    say(alice, direct, "old")
    new_key = Fernet.generate_key().decode()

    settings.MESSAGE_KEYS = (new_key, *settings.MESSAGE_KEYS)
    say(alice, direct, "also readable")
    later, _is_new = start_direct(user=bob, username="carol")
    say(bob, later, "new")
    assert bodies(direct) == ["old", "also readable"]

    settings.MESSAGE_KEYS = (new_key,)
    assert bodies(later) == ["new"]
