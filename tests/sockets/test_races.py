"""What happens between reading who may hear what and hearing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chatflow.hub import hub
from chatflow.realtime import conversation_topic
from chatflow.sockets import FAILED, in_thread
from conversations import services
from messaging.consumers import ApiConsumer
from tests.realtime.conftest import until
from tests.sockets.conftest import Client, Wire

pytestmark = pytest.mark.django_db(transaction=True)


class Interrupted(ApiConsumer):
    """Each time it reads, something happens just before or just after."""

    before: list[Callable[[], object]]
    after: list[Callable[[], object]]

    def _read_heads(self):
        if self.before:
            self.before.pop(0)()
        heads = super()._read_heads()
        if self.after:
            self.after.pop(0)()
        return heads


@pytest.fixture
def interrupt(knock, token):
    """await interrupt(bob, before=[…], after=[…]): a client of his, and its socket."""

    async def interrupt(user, *, before=(), after=()) -> tuple[Client, Interrupted]:
        consumer = Interrupted()
        consumer.before, consumer.after = list(before), list(after)
        client = knock(headers={"authorization": f"Bearer {await in_thread(token, user)}"})
        client.wire = Wire(consumer, "/ws", client.wire.scope["headers"])
        await client.open()
        return client, consumer

    return interrupt


def nothing() -> None: ...


async def test_whoever_is_removed_between_reading_and_joining_hears_nothing(
    interrupt, connect, say, membership, alice, bob, carol, group
):
    await connect(carol)  # so that the conversation is heard in this process already
    topic, here = conversation_topic(group.id), hub()

    def remove_bob() -> None:
        version = here.version(topic)
        right = membership(alice, group)
        services.remove_member(membership=right, username="bob")
        wait_for_version(version + 1)

    def speak() -> None:
        version = here.version(topic)
        say(alice, group, "after")
        wait_for_version(version + 1)

    def wait_for_version(version: int) -> None:
        asyncio.run(until(lambda: here.version(topic) >= version))

    client, _consumer = await interrupt(bob, before=[nothing, speak], after=[remove_bob])

    assert (await client.hear("ready"))["conversations"] == []
    assert "after" not in str(await client.everything())


async def test_what_a_socket_may_hear_is_not_guessed(interrupt, alice, bob, direct, caplog):
    def fail() -> None:
        raise ConnectionError("the database is away")

    client, consumer = await interrupt(bob)
    await client.hear("ready")
    consumer.before = [lambda: consumer.offer('{"type": "whose?"}'), fail]
    consumer.after = [fail]

    consumer.catch_up()

    assert await client.closed() == FAILED
    assert "whose?" not in str(client.heard)
    assert "the database is away" in caplog.text
