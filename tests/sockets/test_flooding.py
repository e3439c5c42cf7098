"""Rate limits: clients that are too fast are refused, and closed with 4429 if they go on."""

from __future__ import annotations

import json
import uuid

import pytest

from chatflow.limits import policy as limits
from chatflow.limits.policy import ConnectionCounter
from chatflow.live.hub import hub
from chatflow.live.sockets import FLOODING, in_thread
from messaging.models import Message
from tests.live.conftest import until
from tests.sockets.conftest import BatchClient, Page, bearer, refusal, same_origin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("limited")]


# Frames


async def test_frame_over_the_limit_answers_429_and_keeps_the_socket_open(connect, few, alice):
    few(limits.FRAMES, 3)
    client = await connect(alice)
    for _ in range(3):
        assert (await client.request("ping"))["type"] == "ack"

    error = await client.request("ping")

    assert (error["type"], error["status"], error["title"]) == ("error", 429, "Too Many Requests")
    assert error["code"] == "urn:chatflow:too_many"
    assert error["retry_after"] == 1200
    assert (await client.request("ping"))["status"] == 429


async def test_invalid_frames_count_towards_the_limit(connect, few, alice):
    few(limits.FRAMES, 2)
    client = await connect(alice)
    for _ in range(2):
        await client.send_text("{")
        assert (await client.receive("error"))["status"] == 400

    await client.send_bytes(b"\0")

    assert (await client.receive("error"))["status"] == 429


async def test_each_command_of_an_array_counts_towards_the_limit(connect, few, alice):
    few(limits.FRAMES, 3)
    client = await connect(alice, BatchClient)

    await client.send([{"type": "ping", "ref": number} for number in range(5)])

    answers = [await client.receive("ack", "error", ref=number) for number in range(5)]
    assert [answer["type"] for answer in answers] == ["ack"] * 3 + ["error"] * 2


async def test_a_client_that_ignores_refusals_is_closed(connect, few, alice, bob):
    few(limits.FRAMES, 3)
    few(limits.REFUSALS, 5)
    client, other = await connect(alice), await connect(alice)

    for number in range(20):
        await client.send({"type": "ping", "ref": number})

    assert await client.close_code() == FLOODING
    answers = [(frame["type"], frame["ref"]) for frame in client.received]
    assert answers == [("ack", n) for n in range(3)] + [("error", n) for n in range(3, 9)]
    assert (await other.request("ping"))["type"] == "ack"


async def test_array_of_refused_commands_closes_the_socket(connect, few, alice):
    few(limits.FRAMES, 2)
    few(limits.REFUSALS, 3)
    client = await connect(alice, BatchClient)

    await client.send([{"type": "ping", "ref": number} for number in range(100)])

    assert await client.close_code() == FLOODING
    assert [answer["type"] for answer in client.received] == ["ack"] * 2 + ["error"] * 4


async def test_the_page_receives_refusals_as_fragments(open_page, few, alice):
    few(limits.FRAMES, 1)
    page = await open_page(alice)
    await page.request("ping")

    assert (await page.request("ping"))["status"] == "429"


# Messages


async def test_socket_and_http_share_one_limit_for_messages(connect, program, few, alice, direct):
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


async def test_flooding_with_messages_closes_the_socket(connect, few, alice, direct):
    few(limits.WRITING, 2)
    few(limits.REFUSALS, 3)
    client = await connect(alice)

    for _ in range(10):
        frame = {"type": "message.send", "conversation": str(direct.id), "body": "hi"}
        await client.send(frame | {"ref": 1, "id": str(uuid.uuid4())})

    assert await client.close_code() == FLOODING
    assert await in_thread(Message.objects.count) == 2


async def test_retries_of_a_message_count_towards_the_limit(connect, few, alice, direct):
    few(limits.WRITING, 2)
    client = await connect(alice)
    name = str(uuid.uuid4())

    statuses = [(await send(client, direct, id=name)).get("status") for _ in range(3)]

    assert statuses == [None, None, 429]


async def test_limit_of_one_user_does_not_affect_another(connect, few, alice, bob, direct):
    few(limits.WRITING, 1)
    alices, bobs = await connect(alice), await connect(bob)
    await send(alices, direct)
    assert (await send(alices, direct))["status"] == 429

    assert (await send(bobs, direct))["type"] == "ack"


async def test_typing_has_its_own_limit(connect, few, alice, direct):
    few(limits.TYPING, 1)
    client = await connect(alice)
    typing = {"conversation": str(direct.id), "active": True}
    assert (await client.request("typing", **typing))["type"] == "ack"

    assert (await client.request("typing", **typing))["status"] == 429
    assert (await send(client, direct))["type"] == "ack"


async def test_reconnecting_with_hundreds_of_conversations_is_not_limited(connect, alice, direct):
    client = await connect(alice)
    question = {"type": "changes", "conversation": str(direct.id), "since": 0}

    for number in range(400):
        await client.send(question | {"ref": number})

    answers = [await client.receive("ack", "error") for _ in range(400)]
    assert {answer["type"] for answer in answers} == {"ack"}


async def send(client, conversation, **fields):
    default = {"conversation": str(conversation.id), "id": str(uuid.uuid4()), "body": "hi"}
    return await client.request("message.send", **(default | fields))


# Handshakes


async def test_opening_sockets_is_limited_by_person(new_client, token, few, alice, bob):
    few(limits.SOCKETS_OF, 2)
    alices, bobs = await in_thread(token, alice), await in_thread(token, bob)
    for _ in range(2):
        assert await new_client(headers=bearer(alices)).open()

    status, headers = await refusal(new_client(headers=bearer(alices)))

    assert (status, headers[b"retry-after"]) == (429, b"1800")
    assert await new_client(headers=bearer(bobs)).open()


@pytest.mark.parametrize("proxies", [0, 1])
async def test_handshakes_are_limited_by_address_despite_forged_headers(
    new_client, token, few, settings, alice, bob, proxies
):
    few(limits.SOCKETS_FROM, 2)
    settings.TRUSTED_PROXIES = proxies
    names = [await in_thread(token, user) for user in (alice, bob)]

    def forged(number: int, name: str = "made up") -> dict[str, str]:
        claim = f"203.0.113.{number}" + ", 192.0.2.1" * proxies
        return bearer(name) | {"x-forwarded-for": claim}

    assert not await new_client(headers=forged(1)).open()
    assert await new_client(headers=forged(2, names[0])).open()

    status, _headers = await refusal(new_client(headers=forged(3, names[1])))

    assert status == 429


async def test_behind_a_proxy_each_address_has_its_own_handshakes(
    new_client, token, few, settings, alice
):
    few(limits.SOCKETS_FROM, 1)
    settings.TRUSTED_PROXIES = 1
    name = bearer(await in_thread(token, alice))
    assert await new_client(headers=name | {"x-forwarded-for": "192.0.2.1"}).open()

    assert not await new_client(headers=name | {"x-forwarded-for": "192.0.2.1"}).open()
    assert await new_client(headers=name | {"x-forwarded-for": "192.0.2.2"}).open()


async def test_number_of_open_sockets_is_limited(new_client, token, cookie, monkeypatch, alice):
    counter = ConnectionCounter(2)
    monkeypatch.setattr("messaging.sockets.consumers.open_sockets", counter)
    headers = bearer(await in_thread(token, alice))
    first = new_client(headers=headers)
    assert await first.open()
    page = new_client(Page, path="/ws/page", headers=same_origin(await in_thread(cookie, alice)))
    assert await page.open()

    assert (await refusal(new_client(headers=headers)))[0] == 429
    await first.disconnect()
    await until(lambda: len(hub().sockets) == 1)

    assert await new_client(headers=headers).open()


async def test_no_socket_is_closed_when_limits_are_off(connect, few, settings, alice):
    settings.THROTTLE_ON = False
    few(limits.FRAMES, 1)
    few(limits.REFUSALS, 1)
    client = await connect(alice)

    for number in range(50):
        await client.send_text(json.dumps({"type": "ping", "ref": number}))

    answers = [await client.receive("ack", "error") for _ in range(50)]
    assert {answer["type"] for answer in answers} == {"ack"}
