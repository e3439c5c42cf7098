"""Django's ASGI handler with one visit to a worker thread for a whole request.

Without it a request would visit three threads in turn, and a slow reader would keep a database
connection and a whole file in memory. Django's own handler can replace it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from chatflow.errors import Unavailable
from chatflow.server.admission import Receive, Send, refuse
from chatflow.server.worker_pool import pool_for, requests

QUEUE_SECONDS = 10  # how long a request may wait for a worker thread


class Handler(ASGIHandler):
    """Run the signals, the middleware, the view and the closing of the response in one thread.

    All middleware and views are synchronous. Only streaming responses are closed later, in another
    thread.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle the request without the thread that Django starts for each."""
        await self.handle(scope, receive, send)

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        pool = pool_for(scope["method"], scope["path"])
        try:
            response = await pool.run(self._respond, scope, body, time.monotonic() + QUEUE_SECONDS)
        except Unavailable as refusal:
            await refuse(refusal, send)
            return
        if response.streaming:
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    def _respond(self, scope: Any, body: IO[bytes], deadline: float) -> Any:
        """Return the response after the database connection was returned to the pool.

        Closing the response returns the connection; a streamed response is closed later. Raises
        Unavailable after the deadline, so that requests which queued up while the database was
        frozen are answered immediately.
        """
        try:
            if time.monotonic() > deadline:
                raise Unavailable
            set_script_prefix(get_script_prefix(scope))
            request_started.send(sender=type(self), scope=scope)
            request, error_response = self.create_request(scope, body)
            response: Any = self.get_response(request) if request else error_response
            response._handler_class = type(self)
            if response.streaming:
                close_old_connections()
            else:
                response.close()
            return response
        finally:
            body.close()

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = super().get_response(request)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Send the pieces until the client disconnects, and close the response."""
        if not response.is_async:
            response.streaming_content = _in_threads(iter(response))
        try:
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self.listen_for_disconnect(receive))
                await self.send_response(response, send)
                listening.cancel()
        except* RequestAborted:
            pass
        finally:
            await requests.run(response.close)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Iterate in worker threads. Django would read a synchronous iterator whole before it sends."""
    while (piece := await requests.run(next, pieces, None)) is not None:
        yield piece
