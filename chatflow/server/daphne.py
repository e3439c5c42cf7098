"""Run the ASGI application under daphne with backpressure, deadlines and an orderly shutdown.

Without it a slow reader fills the memory, one failed check ends all checks, and a restart cuts off
running requests. Only `serve` imports this; uvicorn has most of it built in and can replace it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from types import FrameType
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server as Daphne  # installs Twisted's reactor: before all of Twisted
from twisted.internet import reactor
from twisted.python.failure import Failure

from chatflow.server import lifecycle
from chatflow.server.connections import Channel, Connections
from chatflow.server.flow_control import CLOSE_SECONDS, STALLED_SECONDS, Request, WebSocket
from chatflow.server.worker_pool import PROBES

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("chatflow.access")

MAX_FRAME_BYTES = 64 * 1024
CONNECT_SECONDS = 20
BACKLOG = 4096  # connections that are not accepted yet; the kernel drops those beyond
# A vanished peer is noticed after 20 + 20 seconds. If the timeout was longer than the interval,
# a second ping would replace the first one's timer, which then fires although the peer answered.
PING_SECONDS = 20
NOTICE_SECONDS = 1
CHECK_SECONDS = 2
SPREAD_SECONDS = 3
RESTARTING = 1012
SIGNALS = (signal.SIGTERM, signal.SIGINT)
WRITES = ("http.response.body", "websocket.send")


class CannotListen(Exception):
    """The address is in use, or it does not belong to this machine."""


def serve(
    application: Callable[..., Any],
    *,
    host: str,
    port: int,
    shutdown_seconds: float,
    on_ready: Callable[[], None],
) -> None:
    """Serve until a signal. The first lets running requests finish, the second ends them."""
    _raise_file_limit()
    server = Server(
        application,
        endpoints=[
            f"{endpoint}:backlog={BACKLOG}"
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
        os._exit(0)  # the interpreter would wait for a thread that is stuck in its request


def _raise_file_limit() -> None:
    """Raise the limit of open files to the highest allowed: each connection needs one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS allows fewer than it reports
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def log_access(protocol: str, action: str, details: dict[str, Any]) -> None:
    """Log one line for each request, without its query string, which may contain secrets."""
    path = details["path"].partition("?")[0]
    if path in PROBES and details.get("status") == HTTPStatus.OK:
        return  # load balancers and monitoring send one every few seconds
    if protocol == "http":
        access_logger.info("%s %s %d", details["method"], path, details["status"])
    elif action in ("connected", "rejected"):
        access_logger.info("WEBSOCKET %s %s", path, details.get("status", action))


class Server(Daphne):
    """Daphne with backpressure and a shutdown that lets requests finish."""

    shutdown_seconds: float
    on_ready: Callable[[], None]
    problem = ""
    is_late = False

    def run(self) -> None:
        self._ports: list[Any] = []
        self.ready_callable = self._configure
        super().run()

    def listen_success(self, port: object) -> None:
        self._ports.append(port)

    def listen_error(self, failure: Failure) -> None:
        cause = getattr(failure.value, "socketError", failure.value)
        self.problem = getattr(cause, "strerror", None) or str(cause)
        self.stop()

    def _configure(self) -> None:
        self.http_factory.connections = Connections()
        self.http_factory.protocol = Channel
        self.http_factory.buildProtocol = _of_bounded_requests(self.http_factory.buildProtocol)
        self.ws_factory.protocol = WebSocket
        # By default a peer that breaks the protocol is cut off without a close code.
        self.ws_factory.setProtocolOptions(
            failByDrop=False,
            closeHandshakeTimeout=CLOSE_SECONDS,
            # The application checks origins. With a bearer token all are allowed.
            allowNullOrigin=True,
        )
        WebSocket.share_options(self.ws_factory)
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        self.on_ready()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        scope["root_path"] = ""  # daphne takes it from a header, so clients could choose it
        if scope["type"] == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and lifecycle.draining():
            headers = [*message.get("headers", []), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await super().handle_reply(protocol, message)
        if message["type"] in WRITES and protocol.flow.is_paused:
            await self._wait_for_peer(protocol)

    async def _wait_for_peer(self, protocol: Any) -> None:
        """Wait until the peer has read enough, and cut it off if that takes too long."""
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            async with asyncio.timeout(min(STALLED_SECONDS, protocol.flow.patience)):
                await protocol.flow.until_resumed()
        except TimeoutError:
            protocol.transport.abortConnection()
        protocol.flow.patience -= clock() - start

    def application_checker(self) -> None:
        """Cut off responses that failed half-way.

        Daphne would answer 500 a second time, fail, and never check any connection again.
        """
        for protocol, about in list(self.connections.items()):
            application = about.get("application_instance")
            has_ended = application and application.done() and "disconnected" not in about
            if has_ended and getattr(protocol, "_response_started", False):
                self.protocol_disconnected(protocol)
                protocol.transport.abortConnection()
        try:
            super().application_checker()
        except Exception:
            logger.exception("connections could not be checked for failed applications")
            asyncio.get_running_loop().call_later(CHECK_SECONDS, self.application_checker)

    def timeout_checker(self) -> None:
        """Go on when one connection cannot be checked. Daphne would stop checking all others."""
        for protocol in list(self.connections):
            try:
                protocol.check_timeouts()
            except Exception:
                logger.exception("a connection could not be checked and is cut off")
                protocol.transport.abortConnection()
        try:
            self.http_factory.connections.end_overdue()
        except Exception:
            logger.exception("overdue connections could not be ended")
        asyncio.get_running_loop().call_later(CHECK_SECONDS, self.timeout_checker)

    # Shutdown

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
        except Exception:
            self.is_late = True
            logger.exception("running requests and sockets could not be ended in order")
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
            # If all were closed at once, all clients would reconnect at once.
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
        """Do nothing: `_drain` has ended them. Daphne would wait forever for one that is stuck."""


def _of_bounded_requests(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def build_protocol(address: Any) -> Any:
        protocol = build(address)
        protocol.requestFactory = Request  # daphne sets its own while building
        return protocol

    return build_protocol
