"""Daphne's requests and WebSockets with bounded buffers in both directions.

Without them a peer that sends too much or reads too slowly fills the memory of the process. Other
ASGI servers bound their buffers; with one of those this module can go. `daphne.py` installs it.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import math
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol

from chatflow.errors import PROBLEM_TYPE, problem
from chatflow.limits.policy import FRAMES, RateMeter, TooMany
from chatflow.live.sockets import FLOODING
from chatflow.server.bodies import body_limit

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5
STALLED_SECONDS = 60  # how long a peer may read nothing of a response
SLOWEST_BYTES_PER_SECOND = 8 * 1024  # slower connections are cut off
# Each piece of a chunked body costs some microseconds on the event loop, however small it is.
FREE_PIECES = 1000
SMALLEST_AVERAGE_PIECE = 64
MAX_UNREAD_FRAMES = 64
UNREAD_POLL_SECONDS = 0.05
PROTOCOLS = "sec-websocket-protocol"
OPCODE_TEXT, OPCODE_BINARY = 1, 2


class FlowControl:
    """Paused while the transport's buffer is full. Twisted calls such an object a producer."""

    # The total number of seconds for which the peer may keep the sender waiting.
    patience = math.inf

    def __init__(self) -> None:
        self._resumed: asyncio.Event | None = None

    def pauseProducing(self) -> None:
        self._resumed = self._resumed or asyncio.Event()

    def resumeProducing(self) -> None:
        if self._resumed:
            self._resumed.set()
        self._resumed = None

    stopProducing = resumeProducing

    @property
    def is_paused(self) -> bool:
        return self._resumed is not None

    async def until_resumed(self) -> None:
        while self._resumed:
            await self._resumed.wait()


class TooManyPieces(Exception):
    """A chunked body has so many tiny chunks that reading it would block the event loop."""


class Request(WebRequest):
    """A request with a bounded, unparsed body, whose response waits for the peer.

    It keeps one byte more than its path accepts, by which the application recognizes a body that is
    too large and answers 413.
    """

    body_limit = 0
    _body_bytes = 0
    _pieces = 0

    def __init__(self, channel: Any, queued: object) -> None:
        # Otherwise Twisted parses forms on the event loop, for an attribute that is not used.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self.flow = FlowControl()
        self.flow.patience = STALLED_SECONDS

    def gotLength(self, length: int | None) -> None:
        target: bytes = self.channel._path
        self.body_limit = body_limit(unquote(target.partition(b"?")[0].decode("latin-1")))
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        kept = data[: self.body_limit + 1 - self._body_bytes]
        self._body_bytes += len(kept)
        self._pieces += 1
        if self._pieces > FREE_PIECES + self._body_bytes / SMALLEST_AVERAGE_PIECE:
            raise TooManyPieces
        super().handleContentChunk(kept)

    @property
    def is_too_large(self) -> bool:
        return self._body_bytes > self.body_limit

    def process(self) -> Any:
        if self.requestHeaders.hasHeader(b"transfer-encoding"):  # Django only reads this
            length = self.content.seek(0, io.SEEK_END)
            self.requestHeaders.setRawHeaders(b"content-length", [b"%d" % length])
        # Daphne lets clients choose the prefix of all URLs with it.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        protocols = self.requestHeaders.getRawHeaders(b"sec-websocket-protocol", [])
        if not all(value.isascii() for value in protocols):  # daphne would fail on it
            self.basic_error(HTTPStatus.BAD_REQUEST, b"", "Invalid subprotocol")
            return None
        result = super().process()
        if self.transport is None:
            self.channel.hand_over()  # daphne has upgraded it to a WebSocket
        return result

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and self.channel:
            self.registerProducer(self.flow, streaming=True)
        self.flow.patience += len(message.get("body", b"")) / SLOWEST_BYTES_PER_SECOND
        super().handle_reply(message)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Send daphne's own error responses as problems instead of HTML pages."""
        headers = [(b"content-type", PROBLEM_TYPE.encode())]
        content = json.dumps(problem(status, body)).encode()
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": content})

    def finish(self) -> None:
        self.unregisterProducer()
        self.flow.resumeProducing()  # the channel waits until the peer has read the rest
        super().finish()


class WebSocket(WebSocketProtocol):
    """A WebSocket whose senders wait for the peer and whose peer waits for the application."""

    @property
    def is_established(self) -> bool:
        return self.state == self.STATE_OPEN

    @classmethod
    def share_options(cls, factory: Any) -> None:
        """Set the options on the class. Autobahn would copy some thirty into each socket."""
        options = {name: getattr(factory, name) for name in cls.CONFIG_ATTRS}
        for name, option in options.items():
            if not callable(option):  # a function would become a method
                setattr(cls, name, option)

    _refusal_headers: list[tuple[str, str]] | None = None
    _is_flooded = False

    def onConnect(self, request: ConnectionRequest) -> Any:
        # Daphne decodes this header as ASCII: it would log an error and answer 500.
        if not request.headers.get(PROTOCOLS, "").isascii():
            raise ConnectionDeny(int(HTTPStatus.BAD_REQUEST), HTTPStatus.BAD_REQUEST.phrase)
        return super().onConnect(request)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if hasattr(self, "server"):  # daphne sets it once it has accepted the handshake
            super().onClose(wasClean, code, reason)

    def handle_exception(self, exception: Exception) -> None:
        try:
            super().handle_exception(exception)
        except Exception:  # daphne tries to answer a handshake twice
            logger.exception("a socket whose application failed could not be closed")
            self.transport.abortConnection()

    def connectionMade(self) -> None:
        self._control_frames = RateMeter(FRAMES)
        # Until now the transport paused the HTTP channel that this socket was upgraded from. That
        # channel also stops reading then, so a slow peer's pongs and close frames would be missed.
        self.flow = FlowControl()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, streaming=True)
        super().connectionMade()

    def onOpen(self) -> None:
        super().onOpen()
        # The handshake is no longer needed, and cookies are long. The scope's headers are daphne's
        # list, the request's are autobahn's dictionary.
        self.clean_headers.clear()
        self.http_headers.clear()
        self.http_request_data = self.http_response_data = None

    # Incoming frames

    def dataReceived(self, data: bytes) -> None:
        if not self._is_flooded:
            super().dataReceived(data)

    def onFrameEnd(self) -> bool | None:
        """Return False if frames that are already received should wait, or be dropped."""
        frame = self.current_frame
        is_message = frame.fin and frame.opcode in (OPCODE_TEXT, OPCODE_BINARY)
        is_next_frame_wanted: bool | None = super().onFrameEnd()
        if not is_message and self._has_too_many_control_frames():
            self._is_flooded = True
            self.serverClose(FLOODING)
        return False if self._is_flooded or self._is_full else is_next_frame_wanted

    def _has_too_many_control_frames(self) -> bool:
        """Count pings, pongs and fragments. They cost as much as messages, but the application,
        which limits those, does not see them.
        """
        try:
            self._control_frames.consume()
        except TooMany:
            return True
        return False

    def onPing(self, payload: bytes) -> None:
        if not self.flow.is_paused:  # otherwise pongs for a peer that reads nothing pile up
            super().onPing(payload)

    @property
    def _is_full(self) -> bool:
        return self.is_established and self.application_queue.qsize() >= MAX_UNREAD_FRAMES

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not self.is_established:
            return
        super().onMessage(payload, isBinary)
        if self.application_queue.qsize() == MAX_UNREAD_FRAMES:
            self._wait_for_application()

    def _wait_for_application(self) -> None:
        if self._is_full:
            self.transport.pauseProducing()
            loop = asyncio.get_running_loop()
            loop.call_later(UNREAD_POLL_SECONDS, self._wait_for_application)
        else:
            self.transport.resumeProducing()
            self.consumeData()

    # Outgoing frames

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.http.response.start":
            self._refuse(HTTPStatus(message["status"]), message["headers"])
        else:
            super().handle_reply(message)

    def _refuse(self, status: HTTPStatus, headers: list[tuple[bytes, bytes]]) -> None:
        self._refusal_headers = [(name.decode(), value.decode()) for name, value in headers]
        # Not serverReject(), which always answers 403. Autobahn requires a plain int.
        self.handshake_deferred.errback(ConnectionDeny(int(status), status.phrase))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)
        refusal = {"path": self.request.path, "status": int(status)}
        self.server.log_action("websocket", "rejected", refusal)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        super().failHandshake(reason, code, responseHeaders or self._refusal_headers)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # Most frames fit into the kernel's buffer. Twisted would wait until the socket is writable,
        # which costs two system calls and an iteration of the event loop for each frame.
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
        # Not sendMessage(): autobahn applies the limit for incoming messages there as well, and
        # raises once either side has begun to close.
        if self.is_established:
            payload = content.encode() if isinstance(content, str) else content
            self.sendFrame(opcode=OPCODE_BINARY if binary else OPCODE_TEXT, payload=payload)

    def serverClose(self, code: int | None = None) -> None:
        # Not sendClose(): autobahn refuses registered codes there, such as 1012.
        self.sendCloseFrame(code=1000 if code is None else code)

    def dropConnection(self, abort: bool = False) -> None:
        super().dropConnection(abort)
        self.flow.resumeProducing()
        if not abort:
            # A peer that does not read could keep the connection and its buffer forever.
            loop = asyncio.get_running_loop()
            loop.call_later(CLOSE_SECONDS, self.transport.abortConnection)
