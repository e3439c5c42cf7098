"""The outermost ASGI layers: request ids and load shedding."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.utils import timezone

from chatflow.errors import PROBLEM_TYPE, Unavailable, problem_of
from chatflow.limits.concurrency import ConcurrencyLimit
from chatflow.limits.policy import ConnectionCounter, TooMany
from chatflow.operations.logs import request_id
from chatflow.server.proxies import network_of, socket_address
from chatflow.server.worker_pool import is_slow

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]

MOST_REQUESTS = 200  # with more at once, all of them would be late
MOST_SLOW_REQUESTS = 40  # so that many logins at once leave room for other requests
MOST_OF_ADDRESS = MOST_REQUESTS // 2  # so that no single address can refuse service to the others
HEADER = b"x-request-id"
VALID_ID = re.compile(rb"[\w.-]{1,64}")


class RequestId:
    """Give each request and socket an id, or keep the one from a proxy, and return it in a header.

    It wraps all other layers, so that every line of the log has the id.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(HEADER, b"")
        request_name = given if VALID_ID.fullmatch(given) else uuid.uuid4().hex.encode()
        if scope["type"] == "http":
            send = _with_id(send, request_name)
        token = request_id.set(request_name.decode())
        try:
            await self._application(scope, receive, send)
        finally:
            request_id.reset(token)


def _with_id(send: Send, request_name: bytes) -> Send:
    async def send_with_id(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message.get("headers", []), (HEADER, request_name)]}
        await send(message)

    return send_with_id


class AdmissionControl:
    """Admit a number of requests at once and answer 503 to the rest, without doing any work.

    Without it, all requests of a burst would wait longer than clients do. A request counts until
    its response begins: then the work is done, and the server deals with slow readers.
    """

    def __init__(
        self,
        application: Application,
        *,
        most: int = MOST_REQUESTS,
        most_of_address: int = MOST_OF_ADDRESS,
        most_slow: int = MOST_SLOW_REQUESTS,
    ) -> None:
        self._application = application
        self._all = ConcurrencyLimit(most)
        self._slow = ConcurrencyLimit(most_slow)
        self._addresses = ConnectionCounter(most_of_address)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        with ExitStack() as admission:
            try:
                admission.enter_context(self._all.taken())
                admission.enter_context(self._share_taken(network_of(socket_address(scope))))
                if is_slow(scope["method"], scope["path"]):
                    admission.enter_context(self._slow.taken())
            except Unavailable as refusal:
                await refuse(refusal, send)
                return

            async def send_and_leave(message: Any) -> None:
                if message["type"] == "http.response.start":
                    admission.close()
                await send(message)

            received = {"received_at": timezone.now()}
            await self._application(scope | received, receive, send_and_leave)

    @contextmanager
    def _share_taken(self, address: str) -> Iterator[None]:
        """Count a request of the address. Raises Unavailable if it has too many."""
        try:
            self._addresses.enter(address)
        except TooMany:
            raise Unavailable from None
        try:
            yield
        finally:
            self._addresses.leave(address)


async def refuse(refusal: Unavailable, send: Send) -> None:
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"retry-after", str(refusal.wait).encode()),
    ]
    body = json.dumps(problem_of(refusal)).encode()
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
