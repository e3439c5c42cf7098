"""Thousands of sockets, on picows, which needs the least processor time per client."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from array import array
from collections.abc import Callable
from typing import Any, TypeVar

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from picows import ws_connect as open_socket

from tests.resilience.servers import TIMEOUT_SECONDS

JSON, BATCH = "chatflow.v1", "chatflow.v1.batch"
# A message text that contains its number and the time when it was sent.
MARK = re.compile(rb'"body": ?"#(\d+) (\d+) ')
# There are about 28 000 ports per address, and all of 127.0.0.0/8 is this machine.
ADDRESSES = itertools.cycle([f"127.0.0.{last}" for last in range(2, 10)])

Json = dict[str, Any]
Client = TypeVar("Client", bound="SocketClient")


class SocketClient(WSListener):
    """Receives and counts marked messages; sends commands and waits for their answers."""

    transport: WSTransport

    def __init__(self) -> None:
        self.heard: set[int] = set()
        self.seconds = array("d")  # delivery time of each message
        self.close_code: int | None = None
        self.ready: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self.unanswered = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._on_text(frame.get_payload_as_memoryview())
        elif frame.msg_type == WSMsgType.CLOSE:
            self.close_code = frame.get_close_code()
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def _on_text(self, text: memoryview) -> None:
        kind = bytes(text[:24])
        if b'"message.c' in kind:
            self._on_messages(text)
        elif b'"ready"' in kind and not self.ready.done():
            self.ready.set_result(bytes(text))
        elif b'"ack"' in kind or b'"error"' in kind or b'"type"' not in kind:
            self._answers.put_nowait(bytes(text))

    def _on_messages(self, text: memoryview) -> None:
        now = time.monotonic_ns()
        for number, sent in MARK.findall(text):
            self.heard.add(int(number))
            self.seconds.append((now - int(sent)) / 1e9)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.closed.set()
        if not self.ready.done():
            reason = f"the server closed it with {self.close_code} before it was ready"
            self.ready.set_exception(ConnectionResetError(reason))
            self.ready.exception()  # nobody waits for the echo of the reference

    async def ask(self, text: str) -> bytes:
        self.transport.send(WSMsgType.TEXT, text.encode())
        return await self.answer()

    async def answer(self) -> bytes:
        self.unanswered += 1
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await self._answers.get()
        self.unanswered -= 1
        return answer

    def close(self) -> None:
        self.transport.disconnect()


async def connect(
    host: str, path: str = "/ws", *, token: str = "", protocol: str = ""
) -> SocketClient:
    """Open a socket, or raise picows' WSHandshakeError or an OSError."""
    return await connect_as(SocketClient, host, path, token=token, protocol=protocol)


async def connect_as(
    kind: Callable[[], Client], host: str, path: str = "/ws", *, token: str = "", protocol: str = ""
) -> Client:
    """Open a socket with a client of this kind."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Sec-WebSocket-Protocol": protocol} if protocol else {}
    client: Client | None
    _transport, client = await open_socket(
        kind,
        f"ws://{host}{path}",
        extra_headers=headers,
        websocket_handshake_timeout=TIMEOUT_SECONDS,
        read_buffer_init_size=2048,  # because there are thousands
        local_addr=(next(ADDRESSES), 0),
    )
    if client is None:
        raise ConnectionResetError("cut off before the handshake was answered")
    return client


async def all_connected(openings: list[Any], *, at_once: int = 50) -> list[SocketClient]:
    """Await the coroutines, a few at a time, and return their clients in order."""
    gate = asyncio.Semaphore(at_once)

    async def opened(opening: Any) -> SocketClient:
        async with gate:
            client = await opening
            await client.ready
            return client

    return list(await asyncio.gather(*map(opened, openings)))


def said(conversation: str, message_id: str, body: str) -> str:
    """Return the frame that sends this text."""
    return json.dumps(
        {
            "type": "message.send",
            "ref": message_id,
            "conversation": conversation,
            "id": message_id,
            "body": body,
        }
    )


def marked(number: int) -> str:
    """Return a text of 60 characters that contains its number and the current time."""
    return f"#{number} {time.monotonic_ns()} ".ljust(60, ".")
