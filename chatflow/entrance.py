"""The first things a request meets: its name, a bound on how many are inside, and when it came."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from django.utils import timezone

from chatflow.errors import PROBLEM_TYPE, Unavailable, problem_of
from chatflow.logs import request_id
from chatflow.places import Places

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

MOST_REQUESTS = 200  # each has a thread; more of them at once would only make all of them late
HEADER = b"x-request-id"
GOOD_ID = re.compile(rb"[\w.-]{1,64}")


class RequestId:
    """Names each request and socket, or keeps the name that a proxy gave it, and answers it.

    Around everything, so that what the server logs of a request has its name as well.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(HEADER, b"")
        name = given if GOOD_ID.fullmatch(given) else uuid.uuid4().hex.encode()
        if scope["type"] == "http":
            send = _naming(send, name)
        token = request_id.set(name.decode())
        try:
            await self._application(scope, receive, send)
        finally:
            request_id.reset(token)


def _naming(send: Send, name: bytes) -> Send:
    async def send_named(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message.get("headers", []), (HEADER, name)]}
        await send(message)

    return send_named


class Entrance:
    """Lets in so many requests at once and answers 503 to the rest, without doing any work."""

    def __init__(self, application: Application, *, most: int = MOST_REQUESTS) -> None:
        self._application = application
        self._places = Places(most)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        with ExitStack() as place:
            try:
                place.enter_context(self._places.taken())
            except Unavailable as refusal:
                await _refuse(refusal, send)
                return
            await self._application(scope | {"received_at": timezone.now()}, receive, send)


async def _refuse(refusal: Unavailable, send: Send) -> None:
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"retry-after", str(refusal.wait).encode()),
    ]
    body = json.dumps(problem_of(refusal)).encode()
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
