"""Frames above 64 KiB, which the server sends but does not accept, on every kind of socket."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.resilience import servers
from tests.resilience.people import PASSWORD, Person
from tests.resilience.servers import TIMEOUT_SECONDS

EMOJI = "😀" * 4096
CSRF_TOKEN = "c" * 32
LINKS = "www.&.& " * 512
JOIN_TWO_THOUSAND = """
from django.utils import timezone
from accounts.models import User
from conversations.models import Conversation, Membership

bob, now = User.objects.get(username="bob"), timezone.now()
groups = Conversation.objects.bulk_create(
    Conversation(kind="group", title="Garden", last_seq=1, version=1, active_at=now)
    for _ in range(2000)
)
Membership.objects.bulk_create(
    Membership(conversation=group, user=bob, joined_at=now) for group in groups
)
"""


async def open_program(person: Person, subprotocol: str) -> ClientConnection:
    return await connect(
        f"ws://{person.server.address}/ws",
        additional_headers=person.headers,
        subprotocols=[subprotocol],
        proxy=None,
    )


async def open_page(person: Person) -> ClientConnection:
    base = f"http://{person.server.address}"
    answer = await person.http.post(
        f"{base}/login",
        data={"login": person.name, "password": PASSWORD},
        headers={"Cookie": f"csrftoken={CSRF_TOKEN}", "X-CSRFToken": CSRF_TOKEN},
    )
    assert answer.status_code == 302, answer.text
    cookies = {"Cookie": f"sessionid={answer.cookies['sessionid']}"}
    return await connect(
        f"ws://{person.server.address}/ws/page",
        additional_headers=cookies,
        origin=base,
        proxy=None,
    )


async def open_socket(person: Person, encoding: str) -> ClientConnection:
    return await (open_page(person) if encoding == "page" else open_program(person, encoding))


async def hear(socket: ClientConnection, *texts: str) -> int:
    """Wait for all of these texts, and return the length of the longest frame."""
    missing, longest = set(texts), 0
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while missing:
            frame = str(await socket.recv())
            longest = max(longest, len(frame))
            missing = {text for text in missing if text not in frame}
    return longest


ENCODINGS = pytest.mark.parametrize("encoding", ["chatflow.v1", "chatflow.v1.batch", "page"])


@ENCODINGS
async def test_long_replies_to_long_messages_are_delivered(on_sqlite, serve, people, encoding):
    alice, bob = await people(serve(on_sqlite), "alice", "bob")
    chat = await alice.start_direct(bob)

    async with await open_socket(bob, encoding) as socket:
        for body in (EMOJI, LINKS):
            first = await alice.say(chat, body)
            reply = {"id": str(uuid.uuid4()), "body": body, "reply_to": first["id"]}
            await alice.ask("POST", f"/conversations/{chat}/messages", reply)
            await hear(socket, reply["id"])
        at_once = await asyncio.gather(*(alice.say(chat, LINKS) for _ in range(4)))
        last = await alice.say(chat, "Are you still there?")
        await hear(socket, *(message["id"] for message in at_once), last["id"])


@ENCODINGS
async def test_user_in_two_thousand_conversations_receives_events(
    on_sqlite, serve, people, encoding
):
    alice, bob = await people(serve(on_sqlite), "alice", "bob")
    chat = await alice.start_direct(bob)
    servers.manage(on_sqlite, "shell", "--verbosity=0", "--command", JOIN_TWO_THOUSAND)

    async with await open_socket(bob, encoding) as socket:
        ready = await hear(socket, "ready")
        message = await alice.say(chat, "hello")
        await hear(socket, message["id"])

    assert ready > 2000 * 80


async def test_client_catches_up_with_long_messages(on_sqlite, serve, people):
    alice, bob = await people(serve(on_sqlite), "alice", "bob")
    chat = await alice.start_direct(bob)
    for _ in range(60):
        await alice.say(chat, "é" * 4000)
    heard: list[dict[str, Any]] = []

    async with await open_program(bob, "chatflow.v1") as socket:
        since, more = 0, True
        while more:
            question = {"type": "changes", "ref": 1, "conversation": chat, "since": since}
            await socket.send(json.dumps(question))
            while (answer := json.loads(await socket.recv()))["type"] != "ack":
                pass
            heard += answer["messages"]
            since, more = answer["version"], answer["more"]

    assert [message["seq"] for message in heard] == list(range(1, 61))
