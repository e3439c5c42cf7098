"""Clients that ask for changes after a gap lose nothing when the layer loses events."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

import pytest

from chatflow.live.sockets import in_thread
from messaging import history, services
from messaging.serializers import message_json
from tests.live.layers import Careless, Forgetful
from tests.sockets.conftest import Client

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """Follows one conversation as documented for clients: applies events in version order, and asks
    for changes after a gap or when `ready` reports a later version."""

    def __init__(self, client: Client, conversation: str) -> None:
        self.client, self.conversation = client, conversation
        self.version = 0
        self.messages: dict[str, dict[str, Any]] = {}
        self.live: list[int] = []

    async def follow_to(self, version: int) -> None:
        while self.version < version:
            await self.apply(await self.client.next())

    async def apply(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "ready":
            heads = {head["id"]: head["version"] for head in frame["conversations"]}
            if heads[self.conversation] > self.version:
                await self.catch_up()
        elif frame["type"] in ("message.created", "message.updated"):
            self.live.append(frame["version"])
            if frame["version"] == self.version + 1:
                self.keep(frame["message"], frame["version"])
            elif frame["version"] > self.version:
                await self.catch_up()

    async def catch_up(self) -> None:
        more = True
        while more:
            changes = await self.client.request(
                "changes", conversation=self.conversation, since=self.version
            )
            for message in changes["messages"]:
                self.keep(message, message["version"])
            self.version, more = max(self.version, changes["version"]), changes["more"]

    def keep(self, message: dict[str, Any], version: int) -> None:
        self.messages[message["id"]] = message
        self.version = max(self.version, version)


async def test_a_retry_publishes_a_message_whose_event_was_lost(connect, say, alice, bob, direct):
    layer = Forgetful(lambda message: "hello" in message.get("json", ""))
    client, name = await connect(bob), uuid.uuid4()
    await in_thread(say, alice, direct, "hello", message_id=name)

    layer.loses = lambda message: False
    for _ in range(2):
        await in_thread(say, alice, direct, "hello", message_id=name)
    await in_thread(say, alice, direct, "what else")

    bodies = [(await client.receive("message.created"))["message"]["body"] for _ in range(2)]
    assert bodies == ["hello", "what else"]


@pytest.mark.parametrize("seed", range(5))
async def test_clients_end_with_the_same_history_despite_lost_repeated_and_late_events(
    connect, say, membership, monkeypatch, alice, bob, carol, group, seed
):
    monkeypatch.setattr("chatflow.live.topics.GAP_SECONDS", 0.02)
    monkeypatch.setattr("chatflow.live.topics.RESYNC_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.live.hub.RECHECK_SECONDS", 0.1)
    random = Random(seed)
    layer = Careless(random)
    followers = [Follower(await connect(user), str(group.id)) for user in (alice, bob, carol)]
    memberships = [await in_thread(membership, user, group) for user in (alice, bob, carol)]

    said = []
    for number in range(40):
        member = random.choice(memberships)
        message = random.choice(said) if said and random.random() < 0.3 else None
        if message is None:
            said.append(await in_thread(say, member.user, group, str(number)))
        elif message.sender_id == member.user_id:
            await in_thread(
                services.edit_message, membership=member, message_id=message.id, body=f"{number}!"
            )
        else:
            await in_thread(
                services.react, membership=member, message_id=message.id, emoji=random.choice("👍❤")
            )
    await layer.settle()

    truth = await in_thread(history.changes, memberships[1], 0)
    expected = {str(message.id): message_json(message, since_seq=0) for message in truth.messages}
    for follower in followers:
        await follower.follow_to(truth.version)
        kept = {name: follower.messages[name] | {"status": ""} for name in expected}
        assert kept == {name: message | {"status": ""} for name, message in expected.items()}
        assert follower.live == sorted(set(follower.live))
