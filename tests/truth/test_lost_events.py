"""Events that are dropped, doubled, late or never sent: every client finds out what is true."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.truth.layers import LAST_WORDS
from tests.truth.people import Person
from tests.truth.phones import Phone
from tests.truth.servers import until
from tests.truth.writers import Writer, assert_whole

MESSAGES_EACH = 40
WHAT_PHONES_SHOW = ("seq", "version", "body", "edited_at", "deleted_at", "reactions")


def with_layer(name: str) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.truth.layers", "TRUTH_LAYER": name}


async def test_every_phone_ends_up_with_the_truth_whatever_the_layer_does(
    on_sqlite, serve, people, figure
):
    server = serve(on_sqlite | with_layer("UnreliableLayer"))
    alice, bob, carol = everybody = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    writers = [Writer(person, group, person.name) for person in everybody]

    async with AsyncExitStack() as switched_on:
        phones = [
            await switched_on.enter_async_context(Phone(person, subprotocol=subprotocol))
            for person in everybody
            for subprotocol in ("chatflow.v1", "chatflow.v1.batch")
        ]
        await asyncio.gather(*(write_and_change_ones_mind(writer) for writer in writers))
        # The last event may be a lost one: the next that arrives tells of it.
        while not await all_show_the_truth(phones, alice, group):
            await writers[0].write(1)
            await asyncio.sleep(0.2)
        assert {phone.connections for phone in phones} == {1}

    assert sum(phone.holes for phone in phones) > 0, "the layer has lost nothing"
    figure("holes asked for", str(sum(phone.holes for phone in phones)))


async def test_what_was_stored_and_never_published_is_found_by_coming_back(
    on_sqlite, serve, people
):
    server = serve(on_sqlite | with_layer("FatalLayer"))
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    async with Phone(bob) as phone:
        heard = await alice.say(conversation, "before")
        await until(lambda: phone.has(heard))
        speaking = asyncio.create_task(alice.say(conversation, LAST_WORDS))
        await until(lambda: not server.is_alive)
        assert not phone.has_body(LAST_WORDS)

        server.variables = (
            server.variables | on_sqlite | {"DJANGO_SETTINGS_MODULE": "chatflow.settings"}
        )
        await asyncio.to_thread(server.start)
        message = await speaking
        await until(lambda: phone.has(message))

    assert alice.statuses[200] == 1, "it was stored before the process died"
    assert [each["body"] for each in await bob.history(conversation)] == ["before", LAST_WORDS]


@pytest.mark.services
async def test_a_process_that_dies_while_redis_is_frozen_leaves_nothing_behind(
    on_postgres, redis, serve, people
):
    variables = on_postgres | {"REDIS_URL": redis.url}
    hers, his = serve(variables), serve(variables)
    (alice,), (bob,) = await people(hers, "alice"), await people(his, "bob")
    conversation = await alice.start_direct(bob)
    async with Phone(bob) as phone:
        redis.freeze()
        speaking = asyncio.create_task(alice.say(conversation, LAST_WORDS))
        while not await bob.history(conversation):
            await asyncio.sleep(0.02)
        assert not speaking.done()
        hers.kill()
        redis.thaw()
        alice.servers = [his]

        message = await speaking
        await until(lambda: phone.has(message))
        following = await alice.say(conversation, "and on I go")
        await until(lambda: phone.has(message, following))

    assert alice.statuses[200] == 1, "it was stored before the process died"
    assert_whole(await bob.history(conversation), {})


async def write_and_change_ones_mind(writer: Writer) -> None:
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


async def all_show_the_truth(phones: list[Phone], person: Person, conversation: str) -> bool:
    truth = {each["id"]: shown(each) for each in await person.history(conversation)}
    return all(
        {id_: shown(message) for id_, message in phone.messages.items()} == truth
        for phone in phones
    )


def shown(message: dict[str, object]) -> list[object]:
    return [message[field] for field in WHAT_PHONES_SHOW]
