"""Races between reading a user's memberships and subscribing to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chatflow.live.events import conversation_topic
from chatflow.live.hub import hub
from chatflow.live.sockets import FAILED, in_thread
from conversations import services
from messaging.sockets.consumers import ApiConsumer
from tests.live.conftest import until
from tests.sockets.conftest import Client, Communicator, bearer

pytestmark = pytest.mark.django_db(transaction=True)


class Interrupted(ApiConsumer):
    """Calls functions of the test before and after it reads the user's memberships."""

    before: list[Callable[[], object]]
    after: list[Callable[[], object]]

    def read_states(self):
        if self.before:
            self.before.pop(0)()
        states = super().read_states()
        if self.after:
            self.after.pop(0)()
        return states


@pytest.fixture
def interrupt(new_client, token):
    """Return a function: interrupt(user, before=…, after=…) returns a client and its consumer."""

    async def interrupt(user, *, before=(), after=()) -> tuple[Client, Interrupted]:
        consumer = Interrupted()
        consumer.before, consumer.after = list(before), list(after)
        client = new_client(headers=bearer(await in_thread(token, user)))
        client.communicator = Communicator(consumer, "/ws", client.communicator.scope["headers"])
        await client.open()
        return client, consumer

    return interrupt


def nothing() -> None: ...


async def test_a_member_removed_between_reading_and_subscribing_receives_nothing(
    interrupt, connect, say, membership, alice, bob, carol, group
):
    await connect(carol)  # so that this process is subscribed already
    topic, here = conversation_topic(group.id), hub()

    def remove_bob() -> None:
        version = here.version(topic)
        member = membership(alice, group)
        services.remove_member(membership=member, username="bob")
        wait_for_version(version + 1)

    def send_message() -> None:
        version = here.version(topic)
        say(alice, group, "after")
        wait_for_version(version + 1)

    def wait_for_version(version: int) -> None:
        asyncio.run(until(lambda: here.version(topic) >= version))

    client, _consumer = await interrupt(bob, before=[nothing, send_message], after=[remove_bob])

    assert (await client.receive("ready"))["conversations"] == []
    assert "after" not in str(await client.receive_all())


async def test_a_socket_closes_if_its_conversations_cannot_be_read(
    interrupt, alice, bob, direct, caplog
):
    def fail() -> None:
        raise ConnectionError("the database is away")

    client, consumer = await interrupt(bob)
    await client.receive("ready")
    consumer.before = [lambda: consumer.enqueue('{"type": "whose?"}'), fail]
    consumer.after = [fail]

    consumer.catch_up()

    assert await client.close_code() == FAILED
    assert "whose?" not in str(client.received)
    assert "the database is away" in caplog.text
