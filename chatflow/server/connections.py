"""Twisted's HTTP connections with deadlines, and a limit of open connections for each address.

Without it a peer that sends a byte now and then would keep its connection forever, because Twisted
only notices silence. A proxy such as nginx in front can replace it. `daphne.py` installs it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from http import HTTPStatus
from typing import Any

from django.conf import settings
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from chatflow.errors import PROBLEM_TYPE, problem
from chatflow.limits.policy import ConnectionCounter, TooMany
from chatflow.server.flow_control import (
    SLOWEST_BYTES_PER_SECOND,
    STALLED_SECONDS,
    Request,
    TooManyPieces,
)
from chatflow.server.proxies import network_of

HEAD_SECONDS = 20
BODY_SECONDS = 30  # plus the time that the bytes need at SLOWEST_BYTES_PER_SECOND
LINGER_SECONDS = 60  # for reading the rest of a body that was refused
MOST_OF_ADDRESS = 256  # enough for an office; processes often may open only 1024 files


class Channel(HTTPChannel):
    """A connection that is cut off if its peer does not send a request or read a response in time.

    A new deadline replaces the previous one. The server calls `end` when it has passed.
    """

    transport: Any
    deadline = math.inf
    _is_ignoring = False
    _finished_request: Request | None = None

    def allow(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.factory.connections.remove(self)
        if self._finished_request:  # Twisted would tell it again that the connection is lost
            self.requests.remove(self._finished_request)
        super().connectionLost(reason)

    def hand_over(self) -> None:
        """Stop watching the connection: a WebSocket with its own limits has taken it over."""
        self.factory.connections.remove(self)

    # The request

    def dataReceived(self, data: bytes) -> None:
        if self.deadline == math.inf and not self._handlingRequest:
            self.allow(HEAD_SECONDS)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()
        limit = self.requests[-1].body_limit
        if self.length is not None and self.length > limit:
            self._ignore_the_rest()
            self.length = 0  # so that Twisted passes the request on now
        length = limit if self.length is None else self.length
        self.allow(BODY_SECONDS + length / SLOWEST_BYTES_PER_SECOND)

    def rawDataReceived(self, data: bytes) -> None:
        if self._is_ignoring:
            return
        try:
            super().rawDataReceived(data)
        except TooManyPieces:
            self._respondToBadRequestAndDisconnect()
            return
        if not self._handlingRequest and self.requests and self.requests[-1].is_too_large:
            self._ignore_the_rest()
            self.allContentReceived()

    def _ignore_the_rest(self) -> None:
        """Answer a body that is too large now, and read on without keeping the rest.

        Many clients read the response only after they have sent everything. They would not see it
        if the connection was closed before that.
        """
        self._is_ignoring = True
        self.persistent = 0
        self.requests[-1].responseHeaders.setRawHeaders(b"connection", [b"close"])

    def allContentReceived(self) -> None:
        self.deadline = math.inf
        super().allContentReceived()

    # The response

    def requestDone(self, request: Request) -> None:
        """Handle the next request once the peer has read this response.

        Otherwise the responses to pipelined requests would fill the memory if the peer reads none.
        """
        if self._waitingForTransport:
            self._finished_request = request
            self.allow(STALLED_SECONDS)
        else:
            super().requestDone(request)

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if request := self._finished_request:
            self._finished_request = None
            self.deadline = math.inf
            super().requestDone(request)

    # Closing

    def loseConnection(self) -> None:
        if self._is_ignoring and self.deadline == math.inf:
            self._networkProducer.unregisterProducer()
            self.transport.loseWriteConnection()
            self.allow(LINGER_SECONDS)
        else:
            super().loseConnection()

    def end(self) -> None:
        self.transport.abortConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Answer a malformed request with a problem. Twisted's response has no body."""
        body = json.dumps(problem(HTTPStatus.BAD_REQUEST)).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"Content-Type: {PROBLEM_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.loseConnection()


class Connections:
    """The open HTTP connections of a server.

    Behind a proxy all of them come from the proxy's address, so they are not limited here.
    """

    def __init__(self) -> None:
        self._open: set[Channel] = set()
        self._addresses = ConnectionCounter(
            sys.maxsize if settings.TRUSTED_PROXIES else MOST_OF_ADDRESS
        )

    def add(self, channel: Channel) -> None:
        self._open.add(channel)
        try:
            self._addresses.enter(_owner_of(channel))
        except TooMany:
            self._open.remove(channel)
            channel.transport.abortConnection()

    def remove(self, channel: Channel) -> None:
        if channel in self._open:
            self._open.remove(channel)
            self._addresses.leave(_owner_of(channel))

    def end_overdue(self) -> None:
        now = time.monotonic()
        for channel in [each for each in self._open if each.deadline < now]:
            channel.end()


def _owner_of(channel: Channel) -> str:
    return network_of(str(getattr(channel.getPeer(), "host", "")))
