"""Memberships: a socket receives the events of exactly its user's conversations."""

from __future__ import annotations

import pytest

from accounts.services import delete_account
from chatflow.live.events import Join, Unsubscribe, conversation_topic, from_message
from chatflow.live.hub import hub
from chatflow.live.sockets import in_thread
from conversations import services
from tests.conftest import PASSWORD
from tests.live.layers import Forgetful, SlowToAdd
from tests.sockets.conftest import BatchClient, Client, bearer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def add(membership, alice, group):
    """Return a function: add(*usernames) adds members in alice's name."""

    async def add(*usernames: str) -> None:
        member = await in_thread(membership, alice, group)
        await in_thread(services.add_members, membership=member, usernames=usernames)

    return add


@pytest.fixture
def remove(membership, alice, group):
    async def remove(username: str) -> None:
        member = await in_thread(membership, alice, group)
        await in_thread(services.remove_member, membership=member, username=username)

    return remove


def bodies(frames) -> list[str]:
    return [frame["message"]["body"] for frame in frames if frame["type"] == "message.created"]


# Joining


async def test_a_new_member_receives_the_conversation_and_later_events(
    connect, say, add, alice, mallory, group
):
    await in_thread(say, alice, group, "before")
    phone, laptop = await connect(mallory), await connect(mallory, BatchClient)

    await add("mallory")

    for client in (phone, laptop):
        shown = (await client.receive("conversation.created"))["conversation"]
        assert (shown["id"], shown["title"]) == (str(group.id), "Garden")
        assert {member["user"]["username"] for member in shown["members"]} == {
            "alice",
            "bob",
            "carol",
            "mallory",
        }
    await in_thread(say, alice, group, "hello mallory")
    for client in (phone, laptop):
        assert (await client.receive("message.created"))["message"]["body"] == "hello mallory"
        assert bodies(client.received) == ["hello mallory"]


async def test_a_returning_member_receives_events_again(
    connect, say, add, remove, alice, bob, group
):
    client = await connect(bob)
    await remove("bob")
    await client.receive("conversation.removed")
    await in_thread(say, alice, group, "while bob is away")

    await add("bob")
    await client.receive("conversation.created")
    await in_thread(say, alice, group, "welcome back")

    assert (await client.receive("message.created"))["message"]["body"] == "welcome back"
    assert "while bob is away" not in bodies(client.received)


@pytest.mark.parametrize("kind", [Client, BatchClient])
async def test_a_direct_chat_is_announced_with_its_first_message(connect, say, alice, bob, kind):
    client = await connect(bob, kind)

    direct, _is_new = await in_thread(services.start_direct, user=alice, username="bob")
    assert await client.receive_all() == []
    await in_thread(say, alice, direct, "hello bob")

    shown = (await client.receive("conversation.created"))["conversation"]
    assert (shown["kind"], shown["title"], shown["unread_count"]) == ("direct", "Alice", 1)
    assert shown["last_message"]["body"] == "hello bob"


async def test_ready_leaves_out_a_chat_in_which_nobody_has_written(
    connect, say, alice, bob, direct
):
    alices, bobs = await connect(alice), await connect(bob)
    assert [head["id"] for head in alices.ready["conversations"]] == [str(direct.id)]
    assert bobs.ready["conversations"] == []

    await in_thread(say, alice, direct, "hello")

    assert (await bobs.receive("message.created"))["message"]["body"] == "hello"


async def test_starting_the_same_direct_chat_shows_it_immediately(connect, alice, bob, direct):
    client = await connect(bob)

    await in_thread(services.start_direct, user=bob, username="alice")

    assert (await client.receive("conversation.created"))["conversation"]["id"] == str(direct.id)


async def test_members_receive_an_updated_conversation_with_their_own_state(
    connect, say, membership, alice, bob, group
):
    await in_thread(say, alice, group, "unread")
    alices, bobs = await connect(alice), await connect(bob)
    member = await in_thread(membership, alice, group)

    await in_thread(services.rename, membership=member, title="Orchard")

    hers = (await alices.receive("conversation.updated"))["conversation"]
    his = (await bobs.receive("conversation.updated"))["conversation"]
    assert hers["title"] == his["title"] == "Orchard"
    assert (hers["membership"]["role"], his["membership"]["role"]) == ("owner", "member")
    assert hers["unread_count"] < his["unread_count"]
    assert len(his["members"]) == 3


async def test_large_group_is_sent_without_its_members(connect, crowd, membership, alice):
    names = await in_thread(crowd, 120)
    group = await in_thread(services.start_group, user=alice, title="Town", usernames=names)
    client = await connect(alice)
    member = await in_thread(membership, alice, group)

    await in_thread(services.rename, membership=member, title="City")

    shown = (await client.receive("conversation.updated"))["conversation"]
    assert (shown["title"], shown["member_count"]) == ("City", 121)
    assert "members" not in shown


# Leaving


@pytest.mark.parametrize("kind", ["program", "batch", "page"])
async def test_removed_member_receives_no_further_events(
    connect, open_page, say, remove, alice, bob, carol, group, kind
):
    open_ = {
        "program": connect,
        "batch": lambda user: connect(user, BatchClient),
        "page": open_page,
    }[kind]
    bobs, carols = await open_(bob), await open_(carol)
    await in_thread(say, alice, group, "before")

    await remove("bob")
    await in_thread(say, alice, group, "after")

    while "after" not in str(carols.received):
        await carols.next()
    while "removed" not in str(bobs.received):
        await bobs.next()
    received = str(await bobs.receive_all())
    assert "before" in received
    assert "after" not in received
    assert "Bob" not in received  # the system message about the removal


async def test_member_who_left_receives_no_further_events(
    connect, say, membership, alice, bob, group
):
    client = await connect(bob)
    other = await connect(alice)

    await in_thread(services.leave, membership=await in_thread(membership, bob, group))
    await in_thread(say, alice, group, "he is gone")

    await client.receive("conversation.removed", conversation=str(group.id))
    await other.receive("message.created")
    assert bodies(await client.receive_all()) == []


async def test_remaining_members_receive_the_new_member_list(connect, remove, carol, group):
    client = await connect(carol)

    await remove("bob")

    shown = (await client.receive("conversation.updated"))["conversation"]
    assert [member["user"]["username"] for member in shown["members"]] == ["alice", "carol"]


async def test_groups_are_updated_when_a_member_deletes_the_account(connect, alice, bob, group):
    client = await connect(alice)

    await in_thread(delete_account, user=bob, password=PASSWORD)

    shown = (await client.receive("conversation.updated"))["conversation"]
    assert shown["member_count"] == 2


# When control messages are lost


def is_control(message, *kinds: type) -> bool:
    return isinstance(from_message(message).control, kinds)


async def test_removed_member_receives_nothing_even_after_a_lost_removal(
    connect, say, remove, monkeypatch, alice, bob, carol, group
):
    monkeypatch.setattr("chatflow.live.topics.GAP_SECONDS", 0.05)
    Forgetful(lambda message: is_control(message, Unsubscribe))
    bobs, carols = await connect(bob), await connect(carol)

    await remove("bob")
    await in_thread(say, alice, group, "after")

    assert (await carols.receive("message.created"))["message"]["body"] == "after"
    assert bodies(await bobs.receive_all()) == []


async def test_a_returning_member_receives_the_conversation_even_if_the_removal_was_lost(
    connect, say, add, remove, alice, bob, group
):
    Forgetful(lambda message: is_control(message, Unsubscribe))
    client = await connect(bob)
    await remove("bob")
    await client.receive("conversation.removed")

    await add("bob")

    assert (await client.receive("conversation.created"))["conversation"]["id"] == str(group.id)


async def test_recheck_repairs_lost_control_messages(
    connect, say, add, remove, alice, bob, mallory, group
):
    layer = Forgetful(lambda message: is_control(message, Unsubscribe, Join))
    bobs, mallorys = await connect(bob), await connect(mallory)
    await remove("bob")
    await add("mallory")

    layer.loses = lambda message: False
    await hub().recheck()

    removed = await bobs.receive("conversation.removed", conversation=str(group.id))
    await mallorys.receive("conversation.created")
    await in_thread(say, alice, group, "hello mallory")
    assert (await mallorys.receive("message.created"))["message"]["body"] == "hello mallory"
    assert removed
    assert bodies(await bobs.receive_all()) == []


async def test_a_recheck_without_findings_sends_nothing(connect, alice, direct, group):
    client = await connect(alice)

    await hub().recheck()

    assert await client.receive_all() == []


async def test_recheck_finds_a_message_that_was_lost_without_a_gap(
    connect, say, monkeypatch, alice, bob, direct
):
    monkeypatch.setattr("chatflow.live.topics.RESYNC_SECONDS", 0.05)
    layer = Forgetful(lambda message: True)
    client = await connect(bob)
    message = await in_thread(say, alice, direct)

    layer.loses = lambda message: False
    await hub().recheck()

    (head,) = (await client.receive("ready"))["conversations"]
    assert head["version"] == message.version


# Changes during the handshake


async def test_message_sent_during_the_handshake_is_not_lost(
    new_client, say, token, alice, bob, direct
):
    async def send_message() -> None:
        await in_thread(say, alice, direct, "early")

    SlowToAdd().before_next("conversation.", send_message)
    client = new_client(headers=bearer(await in_thread(token, bob)))

    assert await client.open()

    (head,) = (await client.receive("ready"))["conversations"]
    assert head["version"] == 1


async def test_a_conversation_started_during_the_handshake_is_subscribed_to(
    new_client, say, token, alice, bob
):
    started = []

    async def start() -> None:
        started.append(await in_thread(services.start_direct, user=alice, username="bob"))
        await in_thread(say, alice, started[0][0], "hello")

    SlowToAdd().before_next("user.", start)
    client = new_client(headers=bearer(await in_thread(token, bob)))

    assert await client.open()

    (head,) = (await client.receive("ready"))["conversations"]
    [(direct, _is_new)] = started
    assert head["id"] == str(direct.id)
    await in_thread(say, alice, direct, "hi")
    assert (await client.receive("message.created"))["conversation"] == head["id"]


async def test_a_member_removed_during_the_handshake_receives_nothing(
    new_client, say, token, remove, alice, bob, group
):
    async def remove_bob() -> None:
        await remove("bob")
        await in_thread(say, alice, group, "after")

    SlowToAdd().before_next(conversation_topic(group.id), remove_bob)
    client = new_client(headers=bearer(await in_thread(token, bob)))

    assert await client.open()
    await in_thread(say, alice, group, "later")

    assert (await client.receive("ready"))["conversations"] == []
    assert [frame["type"] for frame in await client.receive_all()] in (
        ["ready"],
        ["ready", "conversation.removed"],
    )


async def test_a_member_removed_right_after_being_added_receives_nothing(
    connect, say, add, remove, alice, mallory, group
):
    layer = SlowToAdd()
    client = await connect(mallory)

    async def remove_mallory() -> None:
        await remove("mallory")
        await in_thread(say, alice, group, "after")

    layer.before_next(conversation_topic(group.id), remove_mallory)
    await add("mallory")
    await in_thread(say, alice, group, "later")

    assert (await client.receive("ready"))["conversations"] == []
    assert bodies(await client.receive_all()) == []
