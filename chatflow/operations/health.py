"""Health checks for load balancers: is the process alive, and is it ready for requests?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import psycopg
import redis.asyncio
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from chatflow.server.admission import Application, Receive, Send
from chatflow.server.lifecycle import draining

TIMEOUT_SECONDS = 1.5  # readiness is answered within two seconds, even if a service is frozen
READINESS_PATH = "/readyz"
CHECKS = "chatflow.checks"
SYNCHRONOUS_PARAMETERS = {"context", "cursor_factory", "prepare_threshold"}

Checks = dict[str, bool]


@login_not_required
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """Return 200 as long as the process answers, also while a service is unavailable."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Return 503 while the database or Redis is unavailable, or while this process shuts down."""
    checks: Checks = getattr(request, "scope", {}).get(CHECKS) or async_to_sync(check_services)()
    is_ready = all(checks.values()) and not draining()
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", "draining": draining(), **checks},
        status=200 if is_ready else 503,
    )


class Readiness:
    """ASGI middleware that checks the services for `ready`, on the event loop.

    A view would occupy a thread, and a connection of the pool, for as long as a frozen service does
    not answer. Requests that arrive during a check share its result.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._check: asyncio.Task[Checks] | None = None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["path"] == READINESS_PATH:
            scope = scope | {CHECKS: await self._shared_check()}
        await self._application(scope, receive, send)

    async def _shared_check(self) -> Checks:
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(check_services())
        return await asyncio.shield(self._check)


async def check_services() -> Checks:
    database, cache = await asyncio.gather(
        _is_available(_connect_to_database()), _is_available(_ping_redis())
    )
    return {"database": database, "cache": cache}


async def _is_available(check: Awaitable[None]) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await check
    except Exception:
        return False
    return True


async def _connect_to_database() -> None:
    if connection.vendor != "postgresql":
        await sync_to_async(_query_sqlite)()
        return
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in SYNCHRONOUS_PARAMETERS
    }
    # A new connection and no query: a server that accepts a connection is available, and a query
    # to a frozen server could not be cancelled.
    opened = await psycopg.AsyncConnection.connect(**parameters)
    await opened.close()


def _query_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _ping_redis() -> None:
    if settings.REDIS_URL:
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
            await client.ping()
