"""Whoever is too fast on a socket is told so; whoever goes on all the same is closed with 4429."""

from __future__ import annotations

import json
import uuid

import pytest

from chatflow import limits
from chatflow.limits import Crowd
from chatflow.sockets import FLOODING, in_thread
from messaging.models import Message
from tests.realtime.conftest import until
from tests.sockets.conftest import BatchClient, Page, refusal, same_origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("limited")]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


# Frames


async def test_a_frame_too_many_is_an_error_and_the_socket_stays(connect, few, alice):
    few(limits.FRAMES, 3)
    client = await connect(alice)
    for _ in range(3):
        assert (await client.ask("ping"))["type"] == "ack"

    error = await client.ask("ping")

    assert (error["type"], error["status"], error["title"]) == ("error", 429, "Too Many Requests")
    assert error["code"] == "urn:chatflow:too_many"
    assert error["retry_after"] == 1200
    assert (await client.ask("ping"))["status"] == 429


async def test_what_is_no_command_counts_as_well(connect, few, alice):
    few(limits.FRAMES, 2)
    client = await connect(alice)
    for _ in range(2):
        await client.say_text("{")
        assert (await client.hear("error"))["status"] == 400

    await client.say_bytes(b"\0")

    assert (await client.hear("error"))["status"] == 429


async def test_every_frame_of_a_batch_counts(connect, few, alice):
    few(limits.FRAMES, 3)
    client = await connect(alice, BatchClient)

    await client.say([{"type": "ping", "ref": number} for number in range(5)])

    answers = [await client.hear("ack", "error", ref=number) for number in range(5)]
    assert [answer["type"] for answer in answers] == ["ack"] * 3 + ["error"] * 2


async def test_whoever_goes_on_is_closed(connect, few, alice, bob):
    few(limits.FRAMES, 3)
    few(limits.REFUSALS, 5)
    client, other = await connect(alice), await connect(alice)

    for number in range(20):
        await client.say({"type": "ping", "ref": number})

    assert await client.closed() == FLOODING
    told = [(frame["type"], frame["ref"]) for frame in client.heard]
    assert told == [("ack", n) for n in range(3)] + [("error", n) for n in range(3, 9)]
    assert (await other.ask("ping"))["type"] == "ack"


async def test_the_page_is_told_in_its_own_words(open_page, few, alice):
    few(limits.FRAMES, 1)
    page = await open_page(alice)
    await page.ask("ping")

    assert (await page.ask("ping"))["status"] == "429"


# Messages


async def test_messages_over_the_socket_and_over_http_are_one_limit(
    connect, program, few, alice, direct
):
    few(limits.WRITING, 3)
    client = await connect(alice)
    path = f"/conversations/{direct.id}/messages"
    api = await in_thread(program, alice)
    assert (await in_thread(api.post, path, {"body": "over HTTP"})).status_code == 201
    for _ in range(2):
        assert (await send(client, direct))["type"] == "ack"

    assert (await send(client, direct))["status"] == 429
    answer = await in_thread(api.post, path, {"body": "over HTTP"})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1200"
    assert await in_thread(Message.objects.count) == 3


async def test_whoever_floods_with_messages_is_closed_as_well(connect, few, alice, direct):
    few(limits.WRITING, 2)
    few(limits.REFUSALS, 3)
    client = await connect(alice)

    for _ in range(10):
        frame = {"type": "message.send", "conversation": str(direct.id), "body": "hi"}
        await client.say(frame | {"ref": 1, "id": str(uuid.uuid4())})

    assert await client.closed() == FLOODING
    assert await in_thread(Message.objects.count) == 2


async def test_retries_of_one_message_are_not_free(connect, few, alice, direct):
    few(limits.WRITING, 2)
    client = await connect(alice)
    name = str(uuid.uuid4())

    statuses = [(await send(client, direct, id=name)).get("status") for _ in range(3)]

    assert statuses == [None, None, 429]


async def test_one_person_s_flood_is_not_another_s(connect, few, alice, bob, direct):
    few(limits.WRITING, 1)
    alices, bobs = await connect(alice), await connect(bob)
    await send(alices, direct)
    assert (await send(alices, direct))["status"] == 429

    assert (await send(bobs, direct))["type"] == "ack"


async def test_typing_is_limited_by_itself(connect, few, alice, direct):
    few(limits.TYPING, 1)
    client = await connect(alice)
    typing = {"conversation": str(direct.id), "active": True}
    assert (await client.ask("typing", **typing))["type"] == "ack"

    assert (await client.ask("typing", **typing))["status"] == 429
    assert (await send(client, direct))["type"] == "ack"


async def test_coming_back_to_hundreds_of_conversations_is_no_flood(connect, alice, direct):
    client = await connect(alice)
    question = {"type": "changes", "conversation": str(direct.id), "since": 0}

    for number in range(400):
        await client.say(question | {"ref": number})

    answers = [await client.hear("ack", "error") for _ in range(400)]
    assert {answer["type"] for answer in answers} == {"ack"}


async def send(client, conversation, **fields):
    wish = {"conversation": str(conversation.id), "id": str(uuid.uuid4()), "body": "hi"}
    return await client.ask("message.send", **(wish | fields))


# Handshakes


async def test_opening_sockets_is_limited_by_person(knock, token, few, alice, bob):
    few(limits.SOCKETS_OF, 2)
    alices, bobs = await in_thread(token, alice), await in_thread(token, bob)
    for _ in range(2):
        assert await knock(headers=bearer(alices)).open()

    status, headers = await refusal(knock(headers=bearer(alices)))

    assert (status, headers[b"retry-after"]) == (429, b"1800")
    assert await knock(headers=bearer(bobs)).open()


@pytest.mark.parametrize("proxies", [0, 1])
async def test_handshakes_are_limited_by_address_whatever_they_claim(
    knock, token, few, settings, alice, bob, proxies
):
    few(limits.SOCKETS_FROM, 2)
    settings.TRUSTED_PROXIES = proxies
    names = [await in_thread(token, user) for user in (alice, bob)]

    def forged(number: int, name: str = "made up") -> dict[str, str]:
        claim = f"203.0.113.{number}" + ", 192.0.2.1" * proxies
        return bearer(name) | {"x-forwarded-for": claim}

    assert not await knock(headers=forged(1)).open()
    assert await knock(headers=forged(2, names[0])).open()

    status, _headers = await refusal(knock(headers=forged(3, names[1])))

    assert status == 429


async def test_behind_a_proxy_each_address_has_its_own_handshakes(
    knock, token, few, settings, alice
):
    few(limits.SOCKETS_FROM, 1)
    settings.TRUSTED_PROXIES = 1
    name = bearer(await in_thread(token, alice))
    assert await knock(headers=name | {"x-forwarded-for": "192.0.2.1"}).open()

    assert not await knock(headers=name | {"x-forwarded-for": "192.0.2.1"}).open()
    assert await knock(headers=name | {"x-forwarded-for": "192.0.2.2"}).open()


async def test_so_many_sockets_at_once_and_one_more_when_one_has_gone(
    knock, token, cookie, monkeypatch, alice
):
    crowd = Crowd(2)
    monkeypatch.setattr("messaging.consumers._crowd", crowd)
    headers = bearer(await in_thread(token, alice))
    first = knock(headers=headers)
    assert await first.open()
    page = knock(Page, path="/ws/page", headers=same_origin(await in_thread(cookie, alice)))
    assert await page.open()

    assert (await refusal(knock(headers=headers)))[0] == 429
    await first.leave()
    await until(lambda: crowd._inside[str(alice.id)] == 1)

    assert await knock(headers=headers).open()


async def test_when_limits_are_lifted_nobody_is_closed(connect, few, settings, alice):
    settings.THROTTLE_ON = False
    few(limits.FRAMES, 1)
    few(limits.REFUSALS, 1)
    client = await connect(alice)

    for number in range(50):
        await client.say_text(json.dumps({"type": "ping", "ref": number}))

    answers = [await client.hear("ack", "error") for _ in range(50)]
    assert {answer["type"] for answer in answers} == {"ack"}
