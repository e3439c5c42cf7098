"""Runs the ASGI application under daphne, with what daphne lacks; only `serve` imports this.

Nothing in the application depends on it: other ASGI servers have most of this by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from http import HTTPStatus
from types import FrameType
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server as Daphne  # installs Twisted's reactor: before all of Twisted
from twisted.internet import reactor
from twisted.python.failure import Failure

from chatflow import lifecycle
from chatflow.backpressure import CLOSE_SECONDS, Request, WebSocket

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("chatflow.access")

MAX_FRAME_BYTES = 64 * 1024
CONNECT_SECONDS = 20
MOST_WAITING = 4096  # connections that nobody has accepted yet; beyond, the kernel drops them
# A vanished peer is gone after 20 + 20 seconds. Were the timeout longer than the interval, a second
# ping would replace the first one's timer, which then fires although the peer has answered.
PING_SECONDS = 20
STALLED_SECONDS = 60  # how long a peer may take nothing of what it asked for
NOTICE_SECONDS = 1
SPREAD_SECONDS = 3
RESTARTING = 1012
SIGNALS = (signal.SIGTERM, signal.SIGINT)
WRITES = ("http.response.body", "websocket.send")
PROBES = ("/healthz", "/readyz")


class CannotListen(Exception):
    """The address is taken, or not this machine's."""


def serve(
    application: Callable[..., Any],
    *,
    host: str,
    port: int,
    shutdown_seconds: float,
    on_ready: Callable[[], None],
) -> None:
    """Serves until a signal: the first lets running requests finish, the second ends them."""
    server = Server(
        application,
        endpoints=[
            f"{endpoint}:backlog={MOST_WAITING}"
            for endpoint in build_endpoint_description_strings(host=host, port=port)
        ],
        signal_handlers=False,
        action_logger=log_access,
        websocket_timeout=-1,
        websocket_connect_timeout=CONNECT_SECONDS,
        websocket_handshake_timeout=CONNECT_SECONDS,
        websocket_max_message_size=MAX_FRAME_BYTES,
        websocket_max_frame_size=MAX_FRAME_BYTES,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
        server_name="chatflow",
    )
    server.shutdown_seconds = shutdown_seconds
    server.on_ready = on_ready
    server.run()
    if server.problem:
        raise CannotListen(f"Cannot listen on {host}:{port}: {server.problem}.")
    if server.is_late:
        logging.shutdown()
        os._exit(0)  # a thread that is stuck in its request would hold the interpreter


def log_access(protocol: str, action: str, details: dict[str, Any]) -> None:
    """One line a request; without the query, where people put what nobody else should read."""
    path = details["path"].partition("?")[0]
    if path in PROBES and details.get("status") == HTTPStatus.OK:
        return  # every few seconds, from each balancer
    if protocol == "http":
        access_logger.info("%s %s %d", details["method"], path, details["status"])
    elif action in ("connected", "rejected"):
        access_logger.info("WEBSOCKET %s %s", path, details.get("status", action))


class Server(Daphne):
    """Daphne with backpressure, and with an end that nobody notices who need not."""

    shutdown_seconds: float
    on_ready: Callable[[], None]
    problem = ""
    is_late = False

    def run(self) -> None:
        self._ports: list[Any] = []
        self.ready_callable = self._set_out
        super().run()

    def listen_success(self, port: object) -> None:
        self._ports.append(port)

    def listen_error(self, failure: Failure) -> None:
        cause = getattr(failure.value, "socketError", failure.value)
        self.problem = getattr(cause, "strerror", None) or str(cause)
        self.stop()

    def _set_out(self) -> None:
        self.http_factory.buildProtocol = _of_bounded_requests(self.http_factory.buildProtocol)
        self.ws_factory.protocol = WebSocket
        # By default a peer that breaks the protocol is cut off without its close code.
        self.ws_factory.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=CLOSE_SECONDS)
        WebSocket.share_options(self.ws_factory)
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        self.on_ready()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and lifecycle.draining():
            headers = [*message.get("headers", []), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await super().handle_reply(protocol, message)
        if message["type"] in WRITES and protocol.tap.is_shut:
            await self._until_taken(protocol)

    async def _until_taken(self, protocol: Any) -> None:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await protocol.tap.until_open()
        except TimeoutError:
            protocol.transport.abortConnection()

    def application_checker(self) -> None:
        """Daphne would answer 500 a second time, fail, and never look after a connection again."""
        for protocol, about in list(self.connections.items()):
            application = about.get("application_instance")
            has_ended = application and application.done() and "disconnected" not in about
            if has_ended and getattr(protocol, "_response_started", False):
                self.protocol_disconnected(protocol)
                protocol.transport.abortConnection()
        super().application_checker()

    # The end

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        reactor.callFromThread(self._shut_down)

    def _shut_down(self) -> None:
        self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        lifecycle.start_draining()
        logger.info("stopping; running requests have %s seconds", self.shutdown_seconds)
        try:
            async with asyncio.timeout(self.shutdown_seconds):
                await asyncio.sleep(NOTICE_SECONDS)
                await self._stop_listening()
                await lifecycle.say_farewell()
                await self._finish()
        except TimeoutError:
            self.is_late = True
            await self._cut_off()
        finally:
            self.stop()

    async def _stop_listening(self) -> None:
        loop = asyncio.get_running_loop()
        for port in self._ports:
            await port.stopListening().asFuture(loop)

    async def _finish(self) -> None:
        # A writer is a transport with bytes that are not sent yet.
        while self._running or reactor.getWriters():  # type: ignore[misc]
            await self._close_sockets()
            await asyncio.sleep(0.05)

    async def _close_sockets(self) -> None:
        sockets = [each for each in self.connections if isinstance(each, WebSocket)]
        sockets = [socket for socket in sockets if socket.is_established]
        for socket in sockets:
            socket.serverClose(RESTARTING)
            # Closed all at once, they would also come back all at once.
            await asyncio.sleep(min(SPREAD_SECONDS / len(sockets), 0.01))

    async def _cut_off(self) -> None:
        logger.warning("stopping; %d requests or sockets are cut off", len(self._running))
        for application in self._running:
            application.cancel()
        await asyncio.sleep(0.5)

    @property
    def _running(self) -> list[asyncio.Future[None]]:
        applications = [about.get("application_instance") for about in self.connections.values()]
        return [each for each in applications if each and not each.done()]

    def kill_all_applications(self) -> None:
        """Nothing is left to do; daphne would wait for ever for what does not end."""


def _of_bounded_requests(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def build_protocol(address: Any) -> Any:
        protocol = build(address)
        protocol.requestFactory = Request  # daphne names its own in the midst of building
        return protocol

    return build_protocol
