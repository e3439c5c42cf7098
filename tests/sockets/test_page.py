"""The page's socket: events and answers as HTML fragments."""

from __future__ import annotations

import pytest

from accounts.services import update_profile
from chatflow.live.sockets import in_thread
from conversations import services
from messaging.receipts import acknowledge

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_message_is_an_article(open_page, say, alice, bob, direct):
    page = await open_page(bob)

    message = await in_thread(say, alice, direct, "hello <b>")

    article = await page.receive("article")
    assert article["id"] == f"message-{message.id}"
    assert (article["conversation"], article["version"]) == (str(direct.id), "1")
    assert "hello <b>" in article["text"]


async def test_page_acknowledges_read_messages(open_page, connect, say, alice, bob, direct):
    await in_thread(say, alice, direct)
    page, other, program = await open_page(bob), await open_page(bob), await connect(alice)

    await page.send({"type": "receipt", "conversation": str(direct.id), "read_seq": 1})

    assert (await program.receive("receipt"))["read_seq"] == 1
    assert (await page.receive("live-receipt"))["read-seq"] == "1"
    assert (await other.receive("live-membership"))["read-seq"] == "1"


async def test_receipt_does_not_send_an_older_draft(open_page, say, membership, alice, bob, direct):
    await in_thread(say, alice, direct)
    page, older = await open_page(bob), await in_thread(membership, bob, direct)
    fresh = await in_thread(membership, bob, direct)

    await in_thread(services.save_draft, membership=fresh, text="Half a sentence")
    await in_thread(acknowledge, membership=older, read_seq=1)

    saved, read = await page.receive("live-membership"), await page.receive("live-membership")
    assert saved["draft"] == "Half a sentence"
    assert (read["read-seq"], "draft" in read) == ("1", False)


async def test_a_page_sees_who_types(open_page, connect, alice, bob, direct):
    page, program = await open_page(bob), await connect(alice)

    await program.request("typing", conversation=str(direct.id), active=True)

    typing = await page.receive("live-typing")
    assert (typing["user"], typing["text"].strip()) == (str(alice.id), "Alice")


async def test_a_page_receives_new_changed_and_removed_conversations(
    open_page, membership, alice, bob, carol, dave
):
    page = await open_page(bob)

    group = await in_thread(
        services.start_group, user=alice, title="Garden", usernames=["bob", "carol", "dave"]
    )
    assert (await page.receive("live-conversation"))["conversation"] == str(group.id)
    member = await in_thread(membership, alice, group)
    await in_thread(services.rename, membership=member, title="Orchard")
    assert (await page.receive("live-conversation"))["conversation"] == str(group.id)
    await in_thread(services.remove_member, membership=member, username="bob")

    assert (await page.receive("live-removed"))["conversation"] == str(group.id)


async def test_commands_of_a_page_are_answered_by_fragments(open_page, alice):
    page = await open_page(alice)

    assert (await page.request("ping"))["type"] == "live-ack"
    error = await page.request("nonsense")
    assert (error["type"], error["status"]) == ("live-error", "400")


async def test_page_receives_any_ref_escaped(open_page, alice):
    page = await open_page(alice)

    for ref in ("\ud800", "\0", '"><script>', 10**30, None, True):
        await page.send({"type": "ping", "ref": ref})
        assert (await page.next())["type"] == "live-ack"

    assert (await page.request("ping"))["type"] == "live-ack"


async def test_a_removed_member_sees_who_removed_them(open_page, membership, alice, bob, group):
    page = await open_page(bob)
    member = await in_thread(membership, alice, group)

    await in_thread(services.remove_member, membership=member, username="bob")

    removed = await page.receive("live-removed")
    assert (removed["conversation"], removed["by"]) == (str(group.id), "Alice")


async def test_leaving_is_shown_on_the_member_s_other_devices(open_page, membership, bob, group):
    page = await open_page(bob)
    member = await in_thread(membership, bob, group)

    await in_thread(services.leave, membership=member)

    removed = await page.receive("live-removed")
    assert "is-left" in removed
    assert "by" not in removed


async def test_a_new_name_reaches_the_pages_of_contacts(
    open_page, say, alice, bob, mallory, direct
):
    await in_thread(say, alice, direct)
    bobs, mallorys = await open_page(bob), await open_page(mallory)

    await in_thread(update_profile, user=alice, display_name="Alice Moreau")

    profile = await bobs.receive("live-profile")
    assert (profile["user"], profile["name"]) == (str(alice.id), "Alice Moreau")
    await mallorys.request("ping")
    assert [each["type"] for each in mallorys.received] == ["live-ack"]


async def test_a_new_name_is_not_sent_to_empty_conversations(open_page, alice, bob, direct):
    page = await open_page(bob)

    await in_thread(update_profile, user=alice, display_name="Alice Moreau")
    await page.request("ping")

    assert [each["type"] for each in page.received] == ["live-ack"]
