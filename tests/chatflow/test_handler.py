"""Requests run in worker threads, and slow readers occupy none of them."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path, resolve

from chatflow.operations.logs import request_id
from chatflow.server.handler import Handler
from chatflow.server.worker_pool import is_slow, pool_for, probes, requests, slow_requests

FILE_BYTES = 64 * 1024 * 50
PATIENCE_SECONDS = 30


class CountingFile(io.BytesIO):
    was_read = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.was_read += len(piece)
        return piece


def send_file(request):
    request.scope["file"] = CountingFile(b"x" * FILE_BYTES)
    return FileResponse(request.scope["file"], filename="large.bin")


def query(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("x")


def wait(request):
    """Block the worker thread until the test sets `may_end`."""
    request.scope["has_begun"].set()
    assert request.scope["may_end"].wait(PATIENCE_SECONDS)
    request.scope["has_ended"].set()
    return HttpResponse("x")


def tell_thread(request):
    return HttpResponse(f"{threading.current_thread().name} {request_id.get()}")


def stream(request):
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0)

    response = StreamingHttpResponse(pieces())
    response._resource_closers.append(request.scope["is_closed"].set)
    return response


urlpatterns = [
    path("file", send_file),
    path("queries", query),
    path("login", wait),
    path("waits", wait),
    path("thread", tell_thread),
    path("streams", stream),
]


@pytest.fixture
def handler(settings) -> Handler:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    return Handler()


def scope_of(path: str, *, method: str = "GET", **extra: object) -> dict[str, Any]:
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b""}
    return scope | extra


def waiting_scope(path: str, *, method: str = "GET") -> dict[str, Any]:
    events = ("has_begun", "may_end", "has_ended")
    return scope_of(path, method=method, **{name: threading.Event() for name in events})


def one_request(*more: dict[str, Any]):
    """Return a receive() for a request without a body, followed by these messages."""
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, *more])

    async def receive():
        for message in messages:
            return message
        await asyncio.Event().wait()

    return receive


async def answer_of(handler: Handler, scope: dict[str, Any]) -> tuple[int, bytes]:
    sent = []

    async def send(message):
        sent.append(message)

    await handler(scope, one_request(), send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


async def ignore(message: dict[str, Any]) -> None: ...


async def wait_for(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, PATIENCE_SECONDS)


# Threads


async def test_signals_and_view_run_in_one_worker_with_the_request_s_context(handler):
    threads = []

    def note_thread(**kwargs: object) -> None:
        threads.append(threading.current_thread().name)

    token = request_id.set("from-the-proxy")
    request_started.connect(note_thread)
    request_finished.connect(note_thread)
    try:
        status, body = await answer_of(handler, scope_of("/thread"))
    finally:
        request_started.disconnect(note_thread)
        request_finished.disconnect(note_thread)
        request_id.reset(token)

    assert status == 200
    assert [f"{name} from-the-proxy".encode() for name in threads] == [body, body]
    assert body.startswith(b"request_")


@asynccontextmanager
async def running(handler: Handler, path: str, *, times: int = 1) -> AsyncIterator[None]:
    """Keep that many slow requests running inside the block."""
    scopes = [waiting_scope(path, method="POST") for _ in range(times)]
    tasks = [asyncio.create_task(answer_of(handler, scope)) for scope in scopes]
    try:
        await wait_for(scopes[0]["has_begun"])
        yield
    finally:
        for scope in scopes:
            scope["may_end"].set()
        answers = await asyncio.gather(*tasks)
    assert answers == [(200, b"x")] * times


async def test_slow_requests_do_not_delay_others(handler):
    async with running(handler, "/login", times=20), asyncio.timeout(PATIENCE_SECONDS):
        assert (await answer_of(handler, scope_of("/thread", method="POST")))[0] == 200


async def test_request_that_waited_too_long_for_a_worker_is_refused(handler, monkeypatch):
    monkeypatch.setattr("chatflow.server.handler.QUEUE_SECONDS", -1)

    status, body = await answer_of(handler, scope_of("/thread"))

    assert status == 503
    assert b"urn:chatflow:unavailable" in body


@pytest.mark.parametrize(
    ("method", "path", "pool"),
    [
        ("GET", "/login", requests),
        ("POST", "/login", slow_requests),
        ("POST", "/auth/login", slow_requests),
        ("PUT", "/users/me/avatar", slow_requests),
        ("DELETE", "/users/me", slow_requests),
        ("POST", "/conversations/1/messages", requests),
        ("GET", "/readyz", probes),
    ],
)
def test_pool_is_chosen_by_method_and_path(method, path, pool):
    assert pool_for(method, path) is pool


@pytest.mark.parametrize(
    "path",
    [
        *("/auth/login", "/auth/register", "/auth/password-reset/confirm"),
        *("/users/me", "/users/me/avatar", "/users/me/export", "/users/me/password"),
        *("/login", "/register", "/password-reset/new", "/settings/avatar", "/settings/delete"),
        *("/settings/export", "/settings/password", "/settings/profile"),
    ],
)
def test_slow_paths_exist(path):
    assert is_slow("POST", path)
    assert resolve(path)  # or it raises Resolver404


# Clients that disconnect


async def test_view_runs_to_its_end_although_the_server_cancels_the_request(handler):
    scope = waiting_scope("/waits")
    finished = threading.Event()

    def note_end(**kwargs: object) -> None:
        finished.set()

    request_finished.connect(note_end)
    try:
        request = asyncio.create_task(handler(scope, one_request(), ignore))
        await wait_for(scope["has_begun"])
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        scope["may_end"].set()
        await wait_for(finished)
    finally:
        request_finished.disconnect(note_end)

    assert scope["has_ended"].is_set()


async def test_stream_ends_and_is_closed_when_its_client_disconnects(handler):
    scope = scope_of("/streams", is_closed=threading.Event())

    async with asyncio.timeout(PATIENCE_SECONDS):
        await handler(scope, one_request({"type": "http.disconnect"}), ignore)

    assert scope["is_closed"].is_set()


# Slow readers


async def test_file_is_read_in_pieces_as_it_is_sent(handler):
    scope = scope_of("/file")
    received = 0

    async def send(message):
        nonlocal received
        received += len(message.get("body", b""))
        if received:
            assert scope["file"].was_read - received <= 64 * 1024

    await handler(scope, one_request(), send)

    assert received == FILE_BYTES
    assert scope["file"].closed


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
async def test_database_connection_is_returned_before_the_response_is_sent(handler):
    in_use = []

    async def send(message):
        in_use.append(connections_in_use())

    connection.pool.open(wait=True)
    before = connections_in_use()
    await handler(scope_of("/queries"), one_request(), send)

    assert in_use == [before, before]


def connections_in_use() -> int:
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]
