"""Coming and going: a socket hears exactly the conversations that its person is in."""

from __future__ import annotations

import pytest

from accounts.services import delete_account
from chatflow.hub import hub
from chatflow.realtime import LAYER_EVENT, conversation_topic
from chatflow.sockets import in_thread
from conversations import services
from tests.conftest import PASSWORD
from tests.realtime.layers import Forgetful, SlowToAdd
from tests.sockets.conftest import BatchClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def add(membership, alice, group):
    """await add("erin") is alice's doing."""

    async def add(*usernames: str) -> None:
        right = await in_thread(membership, alice, group)
        await in_thread(services.add_members, membership=right, usernames=usernames)

    return add


@pytest.fixture
def remove(membership, alice, group):
    async def remove(username: str) -> None:
        right = await in_thread(membership, alice, group)
        await in_thread(services.remove_member, membership=right, username=username)

    return remove


def bodies(frames) -> list[str]:
    return [frame["message"]["body"] for frame in frames if frame["type"] == "message.created"]


# Coming


async def test_a_newcomer_is_shown_the_conversation_and_hears_it_from_then_on(
    connect, say, add, alice, mallory, group
):
    await in_thread(say, alice, group, "before")
    phone, laptop = await connect(mallory), await connect(mallory, BatchClient)

    await add("mallory")

    for client in (phone, laptop):
        shown = (await client.hear("conversation.created"))["conversation"]
        assert (shown["id"], shown["title"]) == (str(group.id), "Garden")
        assert {member["user"]["username"] for member in shown["members"]} == {
            "alice",
            "bob",
            "carol",
            "mallory",
        }
    await in_thread(say, alice, group, "hello mallory")
    for client in (phone, laptop):
        assert (await client.hear("message.created"))["message"]["body"] == "hello mallory"
        assert bodies(client.heard) == ["hello mallory"]


async def test_whoever_comes_back_hears_it_again(connect, say, add, remove, alice, bob, group):
    client = await connect(bob)
    await remove("bob")
    await client.hear("conversation.removed")
    await in_thread(say, alice, group, "behind his back")

    await add("bob")
    await client.hear("conversation.created")
    await in_thread(say, alice, group, "welcome back")

    assert (await client.hear("message.created"))["message"]["body"] == "welcome back"
    assert "behind his back" not in bodies(client.heard)


async def test_bob_sees_that_alice_has_started_a_chat(connect, alice, bob):
    client = await connect(bob)

    await in_thread(services.start_direct, user=alice, username="bob")

    shown = (await client.hear("conversation.created"))["conversation"]
    assert (shown["kind"], shown["title"]) == ("direct", "Alice")


async def test_members_see_a_change_each_in_their_own_way(
    connect, say, membership, alice, bob, group
):
    await in_thread(say, alice, group, "unread")
    alices, bobs = await connect(alice), await connect(bob)
    right = await in_thread(membership, alice, group)

    await in_thread(services.rename, membership=right, title="Orchard")

    hers = (await alices.hear("conversation.updated"))["conversation"]
    his = (await bobs.hear("conversation.updated"))["conversation"]
    assert hers["title"] == his["title"] == "Orchard"
    assert (hers["membership"]["role"], his["membership"]["role"]) == ("owner", "member")
    assert hers["unread_count"] < his["unread_count"]
    assert len(his["members"]) == 3


async def test_a_large_group_is_shown_without_its_members(connect, crowd, membership, alice):
    names = await in_thread(crowd, 120)
    group = await in_thread(services.start_group, user=alice, title="Town", usernames=names)
    client = await connect(alice)
    right = await in_thread(membership, alice, group)

    await in_thread(services.rename, membership=right, title="City")

    shown = (await client.hear("conversation.updated"))["conversation"]
    assert (shown["title"], shown["member_count"]) == ("City", 121)
    assert "members" not in shown


# Going


@pytest.mark.parametrize("kind", ["program", "batch", "page"])
async def test_whoever_is_removed_is_told_and_hears_nothing_more(
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

    while "after" not in str(carols.heard):
        await carols.next()
    while "removed" not in str(bobs.heard):
        await bobs.next()
    heard = str(await bobs.everything())
    assert "before" in heard
    assert "after" not in heard
    assert "Bob" not in heard  # the line that says that he was removed


async def test_whoever_leaves_hears_nothing_more(connect, say, membership, alice, bob, group):
    client = await connect(bob)
    other = await connect(alice)

    await in_thread(services.leave, membership=await in_thread(membership, bob, group))
    await in_thread(say, alice, group, "he is gone")

    await client.hear("conversation.removed", conversation=str(group.id))
    await other.hear("message.created")
    assert bodies(await client.everything()) == []


async def test_the_others_are_shown_who_is_left(connect, remove, carol, group):
    client = await connect(carol)

    await remove("bob")

    shown = (await client.hear("conversation.updated"))["conversation"]
    assert [member["user"]["username"] for member in shown["members"]] == ["alice", "carol"]


async def test_a_deleted_account_s_groups_hear_that_it_left(connect, alice, bob, group):
    client = await connect(alice)

    await in_thread(delete_account, user=bob, password=PASSWORD)

    shown = (await client.hear("conversation.updated"))["conversation"]
    assert shown["member_count"] == 2


# When orders are lost


def is_order(message, order: str) -> bool:
    return message["type"] == LAYER_EVENT and order in message


async def test_a_removal_that_is_lost_lets_nothing_more_be_heard(
    connect, say, remove, monkeypatch, alice, bob, carol, group
):
    monkeypatch.setattr("chatflow.topics.HOLE_SECONDS", 0.05)
    Forgetful(lambda message: is_order(message, "leaves"))
    bobs, carols = await connect(bob), await connect(carol)

    await remove("bob")
    await in_thread(say, alice, group, "after")

    assert (await carols.hear("message.created"))["message"]["body"] == "after"
    assert bodies(await bobs.everything()) == []


async def test_whoever_comes_back_is_shown_it_even_when_the_going_was_not_heard(
    connect, say, add, remove, alice, bob, group
):
    Forgetful(lambda message: is_order(message, "leaves"))
    client = await connect(bob)
    await remove("bob")
    await client.hear("conversation.removed")

    await add("bob")

    assert (await client.hear("conversation.created"))["conversation"]["id"] == str(group.id)


async def test_orders_that_are_lost_are_found_by_the_check(
    connect, say, add, remove, alice, bob, mallory, group
):
    layer = Forgetful(lambda message: is_order(message, "leaves") or is_order(message, "joins"))
    bobs, mallorys = await connect(bob), await connect(mallory)
    await remove("bob")
    await add("mallory")

    layer.loses = lambda message: False
    await hub().keeper.check(hub(), hub().sockets)

    removed = await bobs.hear("conversation.removed", conversation=str(group.id))
    await mallorys.hear("conversation.created")
    await in_thread(say, alice, group, "hello mallory")
    assert (await mallorys.hear("message.created"))["message"]["body"] == "hello mallory"
    assert removed
    assert bodies(await bobs.everything()) == []


async def test_a_check_that_finds_nothing_wrong_says_nothing(connect, alice, direct, group):
    client = await connect(alice)

    await hub().keeper.check(hub(), hub().sockets)

    assert await client.everything() == []


async def test_a_message_that_is_lost_without_a_hole_is_found_by_the_check(
    connect, say, monkeypatch, alice, bob, direct
):
    monkeypatch.setattr("chatflow.topics.SETTLE_SECONDS", 0.05)
    layer = Forgetful(lambda message: True)
    client = await connect(bob)
    message = await in_thread(say, alice, direct)

    layer.loses = lambda message: False
    await hub().keeper.check(hub(), hub().sockets)

    (head,) = (await client.hear("ready"))["conversations"]
    assert head["version"] == message.version


# In the middle of coming in


async def test_what_is_said_while_a_socket_opens_is_not_lost(knock, say, token, alice, bob, direct):
    async def speak() -> None:
        await in_thread(say, alice, direct, "early")

    SlowToAdd().before_next("conversation.", speak)
    client = knock(headers={"authorization": f"Bearer {await in_thread(token, bob)}"})

    assert await client.open()

    (head,) = (await client.hear("ready"))["conversations"]
    assert head["version"] == 1


async def test_a_conversation_that_begins_while_a_socket_opens_is_heard(
    knock, say, token, alice, bob
):
    started = []

    async def start() -> None:
        started.append(await in_thread(services.start_direct, user=alice, username="bob"))

    SlowToAdd().before_next("user.", start)
    client = knock(headers={"authorization": f"Bearer {await in_thread(token, bob)}"})

    assert await client.open()

    (head,) = (await client.hear("ready"))["conversations"]
    [(direct, _is_new)] = started
    assert head["id"] == str(direct.id)
    await in_thread(say, alice, direct, "hi")
    assert (await client.hear("message.created"))["conversation"] == head["id"]


async def test_whoever_is_removed_while_their_socket_opens_hears_nothing(
    knock, say, token, remove, alice, bob, group
):
    async def remove_bob() -> None:
        await remove("bob")
        await in_thread(say, alice, group, "after")

    SlowToAdd().before_next(conversation_topic(group.id), remove_bob)
    client = knock(headers={"authorization": f"Bearer {await in_thread(token, bob)}"})

    assert await client.open()
    await in_thread(say, alice, group, "later")

    assert (await client.hear("ready"))["conversations"] == []
    assert [frame["type"] for frame in await client.everything()] in (
        ["ready"],
        ["ready", "conversation.removed"],
    )


async def test_whoever_is_removed_at_once_after_they_were_added_hears_nothing(
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

    assert (await client.hear("ready"))["conversations"] == []
    assert bodies(await client.everything()) == []
