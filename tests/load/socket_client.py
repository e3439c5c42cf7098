"""Sockets by the thousand, on picows, which costs a client least."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from array import array
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport
from picows import ws_connect as open_socket

from tests.truth.servers import PATIENCE_SECONDS

JSON, BATCH = "chatflow.v1", "chatflow.v1.batch"
# A body that says which message it is and when it was sent, wherever it stands in a frame.
MARK = re.compile(rb'"body": ?"#(\d+) (\d+) ')
# A client has some 28 000 ports for an address, and all of 127.0.0.0/8 is this machine.
ADDRESSES = itertools.cycle([f"127.0.0.{last}" for last in range(2, 10)])

Json = dict[str, Any]


class Phone(WSListener):
    """Hears marked messages and counts what is said; asks, and waits for the answer."""

    transport: WSTransport

    def __init__(self) -> None:
        self.heard: set[int] = set()
        self.seconds = array("d")  # how long each message took to come here
        self.close_code: int | None = None
        self.ready: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

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

    async def ask(self, text: str) -> bytes:
        self.transport.send(WSMsgType.TEXT, text.encode())
        return await self.answer()

    async def answer(self) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._answers.get()

    def close(self) -> None:
        self.transport.disconnect()


async def connect(host: str, path: str = "/ws", *, token: str = "", protocol: str = "") -> Phone:
    """Raises picows' WSHandshakeError or an OSError when there is no socket to be had."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Sec-WebSocket-Protocol": protocol} if protocol else {}
    phone: Phone | None
    _transport, phone = await open_socket(
        Phone,
        f"ws://{host}{path}",
        extra_headers=headers,
        websocket_handshake_timeout=PATIENCE_SECONDS,
        read_buffer_init_size=2048,  # as a thousand of them are many
        local_addr=(next(ADDRESSES), 0),
    )
    if phone is None:
        raise ConnectionResetError("cut off before the handshake was answered")
    return phone


async def all_connected(openings: list[Any], *, at_once: int = 50) -> list[Phone]:
    """The phones, in the order of these coroutines, a few of which are awaited at a time."""
    gate = asyncio.Semaphore(at_once)

    async def opened(opening: Any) -> Phone:
        async with gate:
            phone = await opening
            await phone.ready
            return phone

    return list(await asyncio.gather(*map(opened, openings)))


def said(conversation: str, message_id: str, body: str) -> str:
    """The frame that says it."""
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
    """A body of 60 characters, as long as people's are, that says when it was sent."""
    return f"#{number} {time.monotonic_ns()} ".ljust(60, ".")
