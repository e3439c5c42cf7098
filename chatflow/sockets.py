"""The common half of every socket: its bounded outbox, its writer, and how it begins and ends.

Subclasses say who it belongs to, what it hears, and how its frames are answered. They run on the
event loop, so whatever touches the database goes through `in_thread`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from chatflow import metrics
from chatflow.errors import DomainError, headers_of, translated
from chatflow.hub import hub
from chatflow.realtime import Face
from chatflow.tasks import Tasks

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

TOO_SLOW = 4408
FLOODING = 4429
FAILED = 1011
CLOSE_SECONDS = 1  # for what is queued when the socket ends
MOST_FRAMES = 2000
MOST_CHARACTERS = 4_000_000


class NotSignedIn(DomainError):
    code = "not_authenticated"
    status = HTTPStatus.UNAUTHORIZED
    message = "A socket needs a good token or session."
    auth_header = "Bearer"


class Over(Exception):
    """Ends the socket with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answers sockets for which there is nothing here."""
    await send({"type": "websocket.close"})


async def in_thread(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Off the event loop, and off the one thread that thread-sensitive calls would share.

    In a context of its own: what Django leaves in one would stay with the socket.
    """
    call = database_sync_to_async(function, thread_sensitive=False, context=copy_context())
    return await call(*args, **kwargs)


class LiveConsumer(AsyncConsumer):
    """A socket that the hub can offer frames to. The hub alone is in the channel layer."""

    face: Face
    user_id = ""
    login_id = ""
    is_flooding = False

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.is_over = False
        self._code = 0
        self._outbox: deque[str] = deque()
        self._characters = 0  # in the outbox
        self._idle: asyncio.Future[None] | None = None  # smaller, and sooner set, than an Event
        self._writer: asyncio.Task[None] | None = None
        self._aside: list[str] | None = None
        self._one_aside = asyncio.Lock()

    # --- for subclasses --------------------------------------------------------------------------

    async def authenticate(self) -> str | None:
        """Sets face, user_id, login_id; answers the subprotocol. Raises DomainErrors."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Joins its topics and offers the first frame."""
        raise NotImplementedError

    async def answer(self, text: str) -> str:
        """The frame that answers this one; sets is_flooding when no other will be answered."""
        raise NotImplementedError

    # --- life ------------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As in Channels, without the tasks that it needs to listen to a channel as well."""
        self.scope, self.base_send = scope, send
        try:
            with suppress(StopConsumer):
                while True:
                    await self.dispatch(await receive())
        finally:  # also when the server cancels, which no disconnect announces
            self._vanish()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels hops to a thread for each message to tidy connections; `in_thread` does that."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        try:
            async with hub().arrivals.taken():
                subprotocol = await self.authenticate()
                await self.begin()
        except Exception as error:
            refusal = translated(error)
            if not isinstance(refusal, DomainError):
                raise
            await self._refuse_with(refusal)
            raise StopConsumer from None
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._writer = self.tasks.start(self._write())
        if self.is_over:
            self.tasks.start(self._close(self._writer))

    async def _refuse_with(self, refusal: DomainError) -> None:
        """By its status where the server can say that, which ASGI leaves to it; 403 elsewhere."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.base_send({"type": "websocket.close"})
            return
        said = headers_of(refusal).items()
        headers = [(name.lower().encode(), value.encode()) for name, value in said]
        start = {"status": refusal.status, "headers": headers}
        await self.base_send({"type": "websocket.http.response.start"} | start)
        await self.base_send({"type": "websocket.http.response.body", "body": b""})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.is_over:
            return
        self.offer(await self.answer(message.get("text") or ""))
        if self.is_flooding:
            self.end(FLOODING)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def hear(self, topics: Mapping[str, int]) -> None:
        """Joins them, unless the socket has ended meanwhile: nobody would have it leave again."""
        if not self.is_over:
            await hub().join(self, topics)

    def end(self, code: int) -> None:
        """Closes the socket after what is queued, or soon when that is not being read."""
        if self.is_over:
            return
        self._code = code
        self._stop()
        if self._writer:
            self.tasks.start(self._close(self._writer))

    def _vanish(self) -> None:
        self._stop()
        self.tasks.end()

    def _stop(self) -> None:
        self.is_over = True
        hub().leave(self)

    # --- frames ----------------------------------------------------------------------------------

    def offer(self, frame: str) -> None:
        """Queues a frame. Whoever does not read is cut off, and finds everything on coming back."""
        if self.is_over:
            return
        queue = self._outbox if self._aside is None else self._aside
        queue.append(frame)
        self._characters += len(frame)
        self._wake_writer()
        if len(queue) > MOST_FRAMES or self._characters > MOST_CHARACTERS:
            queue.clear()
            metrics.slow_readers.inc()
            self.end(TOO_SLOW)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[list[str]]:
        """What is offered inside waits in the list, so that other frames can be put before it."""
        async with self._one_aside:
            frames: list[str] = []
            self._aside = frames
            try:
                yield frames
            except Over as over:
                self.end(over.code)
            except Exception:
                self.end(FAILED)
                raise
            finally:
                self._aside = None
                if not self.is_over:
                    self._outbox.extend(frames)
                self._characters = sum(map(len, self._outbox))
                self._wake_writer()

    async def _write(self) -> None:
        with suppress(OSError):  # some servers raise it for a peer that is gone
            while self._outbox or not self.is_over:
                if self._outbox:
                    frame = self._outbox.popleft()
                    self._characters -= len(frame)
                    await self.base_send({"type": "websocket.send", "text": frame})
                else:
                    self._idle = asyncio.get_running_loop().create_future()
                    await self._idle

    def _wake_writer(self) -> None:
        if self._idle and not self._idle.done():
            self._idle.set_result(None)

    async def _close(self, writer: asyncio.Task[None]) -> None:
        self._wake_writer()
        await asyncio.wait([writer], timeout=CLOSE_SECONDS if self._outbox else 0)
        writer.cancel()
        self._outbox.clear()
        await self.base_send({"type": "websocket.close", "code": self._code})
