"""A minimal HTTP/1.1 client: one persistent connection, one request at a time."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

from tests.resilience.servers import TIMEOUT_SECONDS


class Connection(asyncio.Protocol):
    """A connection that costs less than httpx2, whose own cost would dominate the figures."""

    def __init__(self, host: str, headers: dict[str, str]) -> None:
        self._head = _lines({"Host": host, "Accept": "*/*"} | headers)
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, host: str, **headers: str) -> Self:
        address, _, port = host.partition(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(host, headers), address, port)
        return connection

    async def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        head = self._head + _lines(headers)
        return await self._ask(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> tuple[int, bytes]:
        content = json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Content-Length": str(len(content))} | headers
        head = self._head + _lines(sent)
        return await self._ask(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._answer

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("cut off in the middle of a request"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._received[:head_end])
        whole = head_end + 4 + _content_length(head)
        if len(self._received) >= whole and self._answer:
            body = bytes(self._received[head_end + 4 : whole])
            del self._received[:whole]
            self._answer.set_result((int(head[9:12]), body))


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    assert found, f"an answer of unknown length: {head!r}"
    return int(rest.partition(b"\r\n")[0])
