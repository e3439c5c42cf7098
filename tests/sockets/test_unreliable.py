"""A client that follows the contract loses nothing, whatever the layer loses."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

import pytest

from chatflow.sockets import in_thread
from messaging import history, services
from messaging.serializers import message_json
from tests.realtime.layers import Careless, Forgetful
from tests.sockets.conftest import Client

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """Keeps one conversation by the contract: applies what comes in version order, asks for changes
    when it sees a hole or is told that it is behind."""

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
            changes = await self.client.ask(
                "changes", conversation=self.conversation, since=self.version
            )
            for message in changes["messages"]:
                self.keep(message, message["version"])
            self.version, more = max(self.version, changes["version"]), changes["more"]

    def keep(self, message: dict[str, Any], version: int) -> None:
        self.messages[message["id"]] = message
        self.version = max(self.version, version)


async def test_a_message_that_was_stored_and_never_told_is_told_by_its_retry(
    connect, say, alice, bob, direct
):
    layer = Forgetful(lambda message: "hello" in message.get("json", ""))
    client, name = await connect(bob), uuid.uuid4()
    await in_thread(say, alice, direct, "hello", message_id=name)

    layer.loses = lambda message: False
    for _ in range(2):
        await in_thread(say, alice, direct, "hello", message_id=name)
    await in_thread(say, alice, direct, "what else")

    told = [(await client.hear("message.created"))["message"]["body"] for _ in range(2)]
    assert told == ["hello", "what else"]


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_is_lost_repeated_or_late_everybody_ends_with_the_same_history(
    connect, say, membership, monkeypatch, alice, bob, carol, group, seed
):
    monkeypatch.setattr("chatflow.topics.HOLE_SECONDS", 0.02)
    monkeypatch.setattr("chatflow.topics.SETTLE_SECONDS", 0.05)
    monkeypatch.setattr("chatflow.hub.CHECK_SECONDS", 0.1)
    random = Random(seed)
    layer = Careless(random)
    followers = [Follower(await connect(user), str(group.id)) for user in (alice, bob, carol)]
    rights = [await in_thread(membership, user, group) for user in (alice, bob, carol)]

    said = []
    for number in range(40):
        right = random.choice(rights)
        message = random.choice(said) if said and random.random() < 0.3 else None
        if message is None:
            said.append(await in_thread(say, right.user, group, str(number)))
        elif message.sender_id == right.user_id:
            await in_thread(
                services.edit_message, membership=right, message_id=message.id, body=f"{number}!"
            )
        else:
            await in_thread(
                services.react, membership=right, message_id=message.id, emoji=random.choice("👍❤")
            )
    await layer.settle()

    truth = await in_thread(history.changes, rights[1], 0)
    expected = {str(message.id): message_json(message) for message in truth.messages}
    for follower in followers:
        await follower.follow_to(truth.version)
        kept = {name: follower.messages[name] | {"status": ""} for name in expected}
        assert kept == {name: message | {"status": ""} for name, message in expected.items()}
        assert follower.live == sorted(set(follower.live))
