"""Where a chat opens: at the newest, where one left off, or where its address says."""

from __future__ import annotations

import re

OPENING, PAGE, LINES = 30, 50, 60
SEQ = re.compile(r'<article[^>]* data-seq="(\d+)"')


def seqs(html: str) -> list[int]:
    return [int(seq) for seq in SEQ.findall(html)]


def test_with_nothing_unread_it_opens_at_the_newest(browser, alice, direct, say):
    for _ in range(LINES):
        say(alice, direct)

    shown = seqs(browser(alice).get(f"/chats/{direct.id}").content.decode())

    assert shown == list(range(LINES - OPENING + 1, LINES + 1))


def test_with_much_unread_it_opens_where_one_left_off(browser, alice, bob, direct, say):
    for _ in range(LINES):
        say(alice, direct)

    shown = seqs(browser(bob).get(f"/chats/{direct.id}").content.decode())

    assert shown == list(range(1, OPENING + 1))


def test_an_address_that_says_where_is_obeyed_also_at_the_very_beginning(
    browser, alice, bob, direct, say
):
    for _ in range(LINES):
        say(alice, direct)

    for reader in (alice, bob):
        after = seqs(browser(reader).get(f"/chats/{direct.id}?after=0").content.decode())
        assert after == list(range(1, PAGE + 1))
    assert seqs(browser(alice).get(f"/chats/{direct.id}?before=0").content.decode()) == []
