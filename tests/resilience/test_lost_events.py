"""Events that are dropped, doubled, late or never sent: every client recovers them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.resilience.failing_layers import FATAL_TEXT
from tests.resilience.live_clients import LiveClient
from tests.resilience.people import Person
from tests.resilience.servers import until
from tests.resilience.writers import Writer, assert_complete

MESSAGES_EACH = 40
WHAT_PHONES_SHOW = ("seq", "version", "body", "edited_at", "deleted_at", "reactions")


def with_layer(name: str) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.resilience.failing_layers", "FAILING_LAYER": name}


async def test_every_client_recovers_from_a_failing_channel_layer(on_sqlite, serve, people, figure):
    server = serve(on_sqlite | with_layer("UnreliableLayer"))
    alice, bob, carol = everybody = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    writers = [Writer(person, group, person.name) for person in everybody]

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(LiveClient(person, subprotocol=subprotocol))
            for person in everybody
            for subprotocol in ("chatflow.v1", "chatflow.v1.batch")
        ]
        await asyncio.gather(*(write_and_edit(writer) for writer in writers))
        # The last event may be lost; a client notices with the next one.
        while not await all_up_to_date(clients, alice, group):
            await writers[0].write(1)
            await asyncio.sleep(0.2)
        assert {client.connections for client in clients} == {1}

    assert sum(client.gaps for client in clients) > 0, "the layer lost no event"
    figure("gaps asked for", str(sum(client.gaps for client in clients)))


async def test_unpublished_message_is_found_after_reconnecting(on_sqlite, serve, people):
    server = serve(on_sqlite | with_layer("FatalLayer"))
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with LiveClient(bob) as client:
        heard = await alice.say(conversation, "before")
        await until(lambda: client.has(heard))
        speaking = asyncio.create_task(alice.say(conversation, FATAL_TEXT))
        await until(lambda: not server.is_alive)
        assert not client.has_body(FATAL_TEXT)

        server.variables = (
            server.variables | on_sqlite | {"DJANGO_SETTINGS_MODULE": "chatflow.settings"}
        )
        await asyncio.to_thread(server.start)
        message = await speaking
        await until(lambda: client.has(message))

    assert alice.statuses[200] == 1, "it was stored before the process died"
    assert [each["body"] for each in await bob.history(conversation)] == ["before", FATAL_TEXT]


@pytest.mark.services
async def test_process_killed_while_redis_is_frozen_loses_nothing(
    on_postgres, redis, serve, people
):
    variables = on_postgres | {"REDIS_URL": redis.url}
    hers, his = serve(variables), serve(variables)
    (alice,), (bob,) = await people(hers, "alice"), await people(his, "bob")
    conversation = await alice.start_direct(bob)
    async with LiveClient(bob) as client:
        redis.freeze()
        speaking = asyncio.create_task(alice.say(conversation, FATAL_TEXT))
        while not await bob.history(conversation):
            await asyncio.sleep(0.02)
        assert not speaking.done()
        hers.kill()
        redis.thaw()
        alice.servers = [his]

        message = await speaking
        await until(lambda: client.has(message))
        following = await alice.say(conversation, "and on I go")
        await until(lambda: client.has(message, following))

    assert alice.statuses[200] == 1, "it was stored before the process died"
    assert_complete(await bob.history(conversation), {})


async def write_and_edit(writer: Writer) -> None:
    path = f"/conversations/{writer.conversation}/messages"
    for number in range(MESSAGES_EACH):
        await writer.write(1)
        message = list(writer.acknowledged.values())[-1]
        if number % 4 == 1:
            edited = {"body": f"{message['body']}, that is"}
            await writer.person.ask("PATCH", f"{path}/{message['id']}", edited)
        if number % 4 == 2:
            await writer.person.ask("PUT", f"{path}/{message['id']}/reactions/👍")
        if number % 4 == 3:
            await writer.person.ask("DELETE", f"{path}/{message['id']}")


async def all_up_to_date(clients: list[LiveClient], person: Person, conversation: str) -> bool:
    stored = {each["id"]: shown(each) for each in await person.history(conversation)}
    return all(
        {id_: shown(message) for id_, message in client.messages.items()} == stored
        for client in clients
    )


def shown(message: dict[str, object]) -> list[object]:
    return [message[field] for field in WHAT_PHONES_SHOW]
