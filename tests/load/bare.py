"""The reference: a Django view and sockets that do nothing, under the server that runs ChatFlow.

Both the settings and the application. What it does in a second is 1.0 in the benchmark's table, so
that the table's ratios mean the same on another machine.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

SECRET_KEY = "bare"
INSTALLED_APPS = ["chatflow"]  # only for its `serve`
ROOT_URLCONF = "tests.load.bare"
ASGI_APPLICATION = "tests.load.bare.application"
ALLOWED_HOSTS = ["127.0.0.1"]
BIND = "127.0.0.1"
PORT = int(os.environ.get("PORT") or 0)
DATA_DIR = Path(os.environ.get("DATA_DIR") or ".")
ALONE = False
TRUSTED_PROXIES = 0
THROTTLE_ON = False  # all requests come from one address
BODY_LIMITS = ()
SHUTDOWN_SECONDS = 5
USE_TZ = True
LOGGING = {  # one line per request, like ChatFlow
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"daphne": {"level": "WARNING"}},
}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

crowd: set[Send] = set()


def view(request: HttpRequest) -> HttpResponse:
    response = JsonResponse({"answer": 42})
    response["Content-Length"] = len(response.content)  # otherwise the response would be chunked
    return response


urlpatterns = [path("view", view)]

_django: Any = None


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await _views()(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    await SOCKETS[scope["path"]](receive, send)


def _views() -> Any:
    """Create the application on first use; settings are not ready when this is imported."""
    global _django
    _django = _django or get_asgi_application()
    return _django


async def echo(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def shout(receive: Receive, send: Send) -> None:
    """Send each message to all sockets, and then acknowledge it to its sender."""
    crowd.add(send)
    await send({"type": "websocket.send", "text": '{"type": "ready"}'})
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for each in tuple(crowd):
                await each({"type": "websocket.send", "text": message["text"]})
            await send({"type": "websocket.send", "text": '{"type": "ack"}'})
    finally:
        crowd.discard(send)


SOCKETS = {"/echo": echo, "/crowd": shout}
