"""The domain-independent part of every socket: its bounded outbox, its writer, and its lifecycle.

`messaging.sockets.consumers` subclasses it. Consumers run on the event loop, so everything that
touches the database goes through `in_thread`.
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

from chatflow.errors import DomainError, headers_of, translated
from chatflow.live.encoding import Encoding
from chatflow.live.hub import hub
from chatflow.live.tasks import Tasks
from chatflow.operations import metrics

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

TOO_SLOW = 4408
FLOODING = 4429
FAILED = 1011
CLOSE_SECONDS = 1  # for sending the frames that are queued when the socket closes
UNREAD_POLL_SECONDS = 0.05
MAX_QUEUED_FRAMES = 2000
MAX_QUEUED_CHARACTERS = 4_000_000


class NotSignedIn(DomainError):
    code = "not_authenticated"
    status = HTTPStatus.UNAUTHORIZED
    message = "Authenticate with a valid access token or session."
    auth_header = "Bearer"


class CloseSocket(Exception):
    """Closes the socket with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Refuse sockets on paths that do not exist."""
    await send({"type": "websocket.close"})


async def in_thread(
    function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Call the function in a thread of the pool, not in the one for thread-sensitive calls.

    It runs in a copy of the context, so that what Django sets there does not stay with the socket.
    """
    call = database_sync_to_async(function, thread_sensitive=False, context=copy_context())
    return await call(*args, **kwargs)


class LiveConsumer(AsyncConsumer):
    """A consumer that receives events from the hub and implements its `Socket`.

    With Channels' `AsyncWebsocketConsumer`, the task that produces a frame also waits until it is
    sent, so a slow reader would delay the other sockets of the topic. Here the frames wait in a
    bounded outbox, which one writer empties.
    """

    encoding: Encoding
    user_id = ""
    login_id = ""
    is_flooding = False

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.is_closed = False
        self._code = 0
        self._outbox: deque[str] = deque()
        self._queued_characters = 0
        self._has_work = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._deferred: list[str] | None = None
        self._defer_lock = asyncio.Lock()

    # --- for subclasses --------------------------------------------------------------------------

    async def authenticate(self) -> str | None:
        """Set encoding, user_id and login_id, and return the subprotocol. Raise a DomainError to
        refuse the handshake."""
        raise NotImplementedError

    async def start(self) -> None:
        """Subscribe to the user's topics and enqueue the first frame."""
        raise NotImplementedError

    def answers(self, text: str) -> AsyncIterator[str]:
        """Yield the frames that answer this one. Set is_flooding to close the socket after them."""
        raise NotImplementedError

    # --- lifecycle -------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Receive messages as in Channels, but not from the channel layer."""
        self.scope, self.base_send = scope, send
        try:
            with suppress(StopConsumer):
                while True:
                    await self.dispatch(await receive())
        finally:  # a server that cancels this task sends no disconnect message
            self.disconnected()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method of the message's type. In Channels this also closes old database
        connections in a thread, which `in_thread` does already."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        try:
            async with hub().handshakes.taken():
                subprotocol = await self.authenticate()
                await self.start()
        except Exception as error:
            refusal = translated(error)
            if not isinstance(refusal, DomainError):
                raise
            await self._refuse(refusal)
            raise StopConsumer from None
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._writer = self.tasks.start(self._write())
        if self.is_closed:
            self.tasks.start(self._send_close(self._writer))

    async def _refuse(self, refusal: DomainError) -> None:
        """Answer the handshake with the error's status, or with 403 if the server has no other."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.base_send({"type": "websocket.close"})
            return
        fields = headers_of(refusal).items()
        headers = [(name.lower().encode(), value.encode()) for name, value in fields]
        start = {"status": refusal.status, "headers": headers}
        await self.base_send({"type": "websocket.http.response.start"} | start)
        await self.base_send({"type": "websocket.http.response.body", "body": b""})

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.is_closed:
            return
        async for frame in self.answers(message.get("text") or ""):
            self.enqueue(frame)
            await self._until_read()
        if self.is_flooding:
            self.close(FLOODING)

    async def _until_read(self) -> None:
        """Wait until the client reads, so that its own commands cannot make it a slow reader."""
        while self._queued_characters > MAX_QUEUED_CHARACTERS / 4 and not self.is_closed:
            await asyncio.sleep(UNREAD_POLL_SECONDS)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def disconnected(self) -> None:
        """Release everything that belongs to the socket."""
        self._unsubscribe()
        self.tasks.cancel()

    def close(self, code: int) -> None:
        """Send the queued frames and close the socket, soon even if the client does not read."""
        if self.is_closed:
            return
        self._code = code
        self._unsubscribe()
        if self._writer:
            self.tasks.start(self._send_close(self._writer))

    async def subscribe(
        self, topics: Mapping[str, int], since_seqs: Mapping[str, int] | None = None
    ) -> None:
        """Subscribe, unless the socket is closed, because nothing would unsubscribe it."""
        if not self.is_closed:
            await hub().subscribe(self, topics, since_seqs)

    def _unsubscribe(self) -> None:
        self.is_closed = True
        hub().unsubscribe(self)

    # --- outbox ----------------------------------------------------------------------------------

    def enqueue(self, frame: str) -> None:
        """Queue a frame. Close the socket if too much is queued, because its client is not reading;
        it catches up when it reconnects."""
        if self.is_closed:
            return
        queue = self._outbox if self._deferred is None else self._deferred
        queue.append(frame)
        self._queued_characters += len(frame)
        self._has_work.set()
        behind_first = self._queued_characters - len(queue[0])  # one frame alone may be larger
        if len(queue) > MAX_QUEUED_FRAMES or behind_first > MAX_QUEUED_CHARACTERS:
            queue.clear()
            metrics.slow_readers.inc()
            self.close(TOO_SLOW)

    @asynccontextmanager
    async def deferred(self) -> AsyncIterator[list[str]]:
        """Collect the frames enqueued inside the block, so that the caller can prepend others."""
        async with self._defer_lock:
            frames: list[str] = []
            self._deferred = frames
            try:
                yield frames
            except CloseSocket as closing:
                self.close(closing.code)
            except Exception:
                self.close(FAILED)
                raise
            finally:
                self._deferred = None
                if not self.is_closed:
                    self._outbox.extend(frames)
                self._queued_characters = sum(map(len, self._outbox))
                self._has_work.set()

    async def _write(self) -> None:
        try:
            await self._write_frames()
        except OSError:  # raised by some servers when the client is gone
            self.close(FAILED)
        except Exception:  # otherwise the socket would stay open and silent
            self.close(FAILED)
            raise

    async def _write_frames(self) -> None:
        while self._outbox or not self.is_closed:
            if self._outbox:
                frame = self._outbox.popleft()
                self._queued_characters -= len(frame)
                await self.base_send({"type": "websocket.send", "text": frame})
            else:
                self._has_work.clear()
                await self._has_work.wait()

    async def _send_close(self, writer: asyncio.Task[None]) -> None:
        self._has_work.set()
        await asyncio.wait([writer], timeout=CLOSE_SECONDS if self._outbox else 0)
        writer.cancel()
        self._outbox.clear()
        with suppress(OSError):  # the client is gone
            await self.base_send({"type": "websocket.close", "code": self._code})
