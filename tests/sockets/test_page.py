"""The page's socket: the same events, as fragments."""

from __future__ import annotations

import pytest

from chatflow.sockets import in_thread
from conversations import services
from messaging.receipts import acknowledge

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_message_is_an_article(open_page, say, alice, bob, direct):
    page = await open_page(bob)

    message = await in_thread(say, alice, direct, "hello <b>")

    article = await page.hear("article")
    assert article["id"] == f"message-{message.id}"
    assert (article["conversation"], article["version"]) == (str(direct.id), "1")
    assert "hello <b>" in article["text"]


async def test_a_page_tells_how_far_it_has_read(open_page, connect, say, alice, bob, direct):
    await in_thread(say, alice, direct)
    page, other, program = await open_page(bob), await open_page(bob), await connect(alice)

    await page.say({"type": "receipt", "conversation": str(direct.id), "read_seq": 1})

    assert (await program.hear("receipt"))["read_seq"] == 1
    assert (await page.hear("live-receipt"))["read-seq"] == "1"
    assert (await other.hear("live-membership"))["read-seq"] == "1"


async def test_a_receipt_that_knows_an_older_draft_says_nothing_of_it(
    open_page, say, membership, alice, bob, direct
):
    await in_thread(say, alice, direct)
    page, older = await open_page(bob), await in_thread(membership, bob, direct)
    fresh = await in_thread(membership, bob, direct)

    await in_thread(services.save_draft, membership=fresh, text="Half a sentence")
    await in_thread(acknowledge, membership=older, read_seq=1)

    saved, read = await page.hear("live-membership"), await page.hear("live-membership")
    assert saved["draft"] == "Half a sentence"
    assert (read["read-seq"], "draft" in read) == ("1", False)


async def test_a_page_sees_who_types(open_page, connect, alice, bob, direct):
    page, program = await open_page(bob), await connect(alice)

    await program.ask("typing", conversation=str(direct.id), active=True)

    typing = await page.hear("live-typing")
    assert (typing["user"], typing["text"].strip()) == (str(alice.id), "Alice")


async def test_a_page_is_told_of_conversations_that_begin_change_and_end(
    open_page, membership, alice, bob, carol, dave
):
    page = await open_page(bob)

    group = await in_thread(
        services.start_group, user=alice, title="Garden", usernames=["bob", "carol", "dave"]
    )
    assert (await page.hear("live-conversation"))["conversation"] == str(group.id)
    right = await in_thread(membership, alice, group)
    await in_thread(services.rename, membership=right, title="Orchard")
    assert (await page.hear("live-conversation"))["conversation"] == str(group.id)
    await in_thread(services.remove_member, membership=right, username="bob")

    assert (await page.hear("live-removed"))["conversation"] == str(group.id)


async def test_a_page_s_commands_are_answered_in_its_own_way(open_page, alice):
    page = await open_page(alice)

    assert (await page.ask("ping"))["type"] == "live-ack"
    error = await page.ask("nonsense")
    assert (error["type"], error["status"]) == ("live-error", "400")


async def test_no_ref_breaks_the_page(open_page, alice):
    page = await open_page(alice)

    for ref in ("\ud800", "\0", '"><script>', 10**30, None, True):
        await page.say({"type": "ping", "ref": ref})
        assert (await page.next())["type"] == "live-ack"

    assert (await page.ask("ping"))["type"] == "live-ack"
