"""Daphne's requests and WebSockets, holding little for whoever sends too much or does not keep up.

The server installs them.
"""

from __future__ import annotations

import asyncio
import io
from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol

CLOSE_SECONDS = 5
MOST_BODY_BYTES = 11 * 1024 * 1024  # the largest picture, and a form around it
MAX_UNREAD_FRAMES = 64
UNREAD_POLL_SECONDS = 0.05


class Tap:
    """Shut while the transport holds more than it may buffer: what Twisted calls a producer."""

    def __init__(self) -> None:
        self._opened: asyncio.Event | None = None

    def pauseProducing(self) -> None:
        self._opened = self._opened or asyncio.Event()

    def resumeProducing(self) -> None:
        if self._opened:
            self._opened.set()
        self._opened = None

    stopProducing = resumeProducing

    @property
    def is_shut(self) -> bool:
        return self._opened is not None

    async def until_open(self) -> None:
        while self._opened:
            await self._opened.wait()


class Request(WebRequest):
    """Bounded both ways: of its body it keeps no more than anything here accepts and lets the rest
    go by, so that whoever sends too much is still told so; and its answer waits for the peer."""

    def handleContentChunk(self, data: bytes) -> None:
        room = MOST_BODY_BYTES + 1 - self.content.tell()
        super().handleContentChunk(data[:room])

    def process(self) -> Any:
        self.tap = Tap()
        if self.requestHeaders.hasHeader(b"transfer-encoding"):  # Django asks the header alone
            length = self.content.seek(0, io.SEEK_END)
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % length])
        return super().process()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and self.channel:
            self.registerProducer(self.tap, streaming=True)
        super().handle_reply(message)

    def finish(self) -> None:
        self.unregisterProducer()
        super().finish()


class WebSocket(WebSocketProtocol):
    """Bounded both ways: senders wait for the peer, and the peer waits for the application."""

    @property
    def is_established(self) -> bool:
        return self.state == self.STATE_OPEN

    @classmethod
    def share_options(cls, factory: Any) -> None:
        """Autobahn copies into each socket those that the class lacks, some thirty."""
        options = {name: getattr(factory, name) for name in cls.CONFIG_ATTRS}
        for name, option in options.items():
            if not callable(option):  # it would become a method
                setattr(cls, name, option)

    _said_with_refusal: list[tuple[str, str]] | None = None

    def connectionMade(self) -> None:
        # Until now the transport paused the HTTP channel that this socket was upgraded from, and
        # that one stops reading, so that a slow peer's pongs and close frames were not seen.
        self.tap = Tap()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.tap, streaming=True)
        super().connectionMade()

    def onOpen(self) -> None:
        super().onOpen()
        # Nobody asks for the handshake any more, and cookies are long. The scope's headers are
        # daphne's list, the request's are autobahn's dictionary.
        self.clean_headers.clear()
        self.http_headers.clear()
        self.http_request_data = self.http_response_data = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not self.is_established:
            return
        super().onMessage(payload, isBinary)
        if self.application_queue.qsize() == MAX_UNREAD_FRAMES:
            self._wait_for_application()

    def _wait_for_application(self) -> None:
        if self.is_established and self.application_queue.qsize() >= MAX_UNREAD_FRAMES:
            self.transport.pauseProducing()
            loop = asyncio.get_running_loop()
            loop.call_later(UNREAD_POLL_SECONDS, self._wait_for_application)
        else:
            self.transport.resumeProducing()

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.http.response.start":
            self._refuse(HTTPStatus(message["status"]), message["headers"])
        else:
            super().handle_reply(message)

    def _refuse(self, status: HTTPStatus, headers: list[tuple[bytes, bytes]]) -> None:
        self._said_with_refusal = [(name.decode(), value.decode()) for name, value in headers]
        # Not serverReject(), which always says 403. Autobahn insists on an int and nothing like it.
        self.handshake_deferred.errback(ConnectionDeny(int(status), status.phrase))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)
        refusal = {"path": self.request.path, "status": int(status)}
        self.server.log_action("websocket", "rejected", refusal)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        super().failHandshake(reason, code, responseHeaders or self._said_with_refusal)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # Twisted would wait until it is told that it may write, write, and ask to be told no more:
        # two system calls and a turn of the loop for each frame, when most fit into the kernel.
        if self.is_established and not self._has_unsent:
            written = self.transport.writeSomeData(data)
            data = data[written:] if isinstance(written, int) else data
        if data:
            super().sendData(data, sync, chopsize)

    @property
    def _has_unsent(self) -> bool:
        transport = self.transport
        return bool(transport._tempDataBuffer) or len(transport.dataBuffer) > transport.offset

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        # Autobahn raises once either side has begun to close, which no sender can foresee.
        if self.is_established or self.state == self.STATE_CONNECTING:
            super().serverSend(content, binary)

    def serverClose(self, code: int | None = None) -> None:
        # Not sendClose(): autobahn refuses the registered codes there, 1012 among them.
        self.sendCloseFrame(code=1000 if code is None else code)

    def dropConnection(self, abort: bool = False) -> None:
        super().dropConnection(abort)
        self.tap.resumeProducing()
        if not abort:
            # Whoever does not read could keep the connection and its buffer for ever.
            loop = asyncio.get_running_loop()
            loop.call_later(CLOSE_SECONDS, self.transport.abortConnection)
