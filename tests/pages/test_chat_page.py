"""The position at which a chat opens, blocks, colours and unread counts."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from accounts.services import block
from conversations.services import change_settings, start_group
from messaging.services import delete_message

OPENING, PAGE, LINES = 30, 50, 60
SEQ = re.compile(r'<article[^>]* data-seq="(\d+)"')


def seqs(html: str) -> list[int]:
    return [int(seq) for seq in SEQ.findall(html)]


def test_chat_without_unread_messages_opens_at_the_latest(browser, alice, direct, say):
    for _ in range(LINES):
        say(alice, direct)

    shown = seqs(browser(alice).get(f"/chats/{direct.id}").content.decode())

    assert shown == list(range(LINES - OPENING + 1, LINES + 1))


def test_chat_with_many_unread_messages_opens_at_the_first_unread_one(
    browser, alice, bob, direct, say
):
    for _ in range(LINES):
        say(alice, direct)

    shown = seqs(browser(bob).get(f"/chats/{direct.id}").content.decode())

    assert shown == list(range(1, OPENING + 1))


def test_chat_opens_at_the_position_in_the_url(browser, alice, bob, direct, say):
    for _ in range(LINES):
        say(alice, direct)

    for reader in (alice, bob):
        after = seqs(browser(reader).get(f"/chats/{direct.id}?after=0").content.decode())
        assert after == list(range(1, PAGE + 1))
    assert seqs(browser(alice).get(f"/chats/{direct.id}?before=0").content.decode()) == []


def test_chat_with_a_blocked_user_offers_to_unblock_instead_of_the_composer(
    browser, alice, bob, direct, say
):
    say(bob, direct)
    block(user=alice, username="bob")

    hers = browser(alice).get(f"/chats/{direct.id}").content.decode()
    his = browser(bob).get(f"/chats/{direct.id}").content.decode()

    assert "You blocked <bdi>Bob</bdi>." in hers
    assert 'action="/settings/blocks/bob/lift' in hers
    assert "<textarea" not in hers
    assert "blocked" not in his
    assert "<textarea" in his


def test_first_eight_members_of_a_group_have_different_colours(browser, alice, crowd):
    group = start_group(user=alice, title="Garden", usernames=crowd(9))

    page = browser(alice).get(f"/chats/{group.id}").content.decode()

    tints = re.search(r'data-tints="([^"]*)"', page)[1].split()
    assert tints[0] == str(alice.id)
    assert len(set(tints)) == 8


def test_muted_and_archived_chats_are_not_counted_as_unread(
    browser, alice, bob, group, direct, say, membership
):
    say(alice, direct)
    client = browser(bob)
    count = re.compile(r'data-unread-chats="(\d+)"')
    assert count.search(client.get("/").content.decode())[1] == "2"
    assert 'value="2"' in client.get("/chats/unread").content.decode()

    change_settings(membership=membership(bob, group), archived=True)
    change_settings(
        membership=membership(bob, direct), muted_until=timezone.now() + timedelta(hours=1)
    )

    assert count.search(client.get("/").content.decode())[1] == "0"


def test_list_tells_the_sender_that_they_deleted_the_message(
    browser, alice, bob, direct, say, membership
):
    message = say(alice, direct)
    delete_message(membership=membership(alice, direct), message_id=message.id)

    assert "You deleted this message" in row(browser(alice).get("/"))
    assert "This message was deleted" in row(browser(bob).get("/"))


def row(page) -> str:
    return re.search(r'<li class="row".*?</li>', page.content.decode(), re.DOTALL)[0]
