"""The settings and a small application for the servers that test_server starts."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from chatflow.server import lifecycle

SECRET_KEY = "tiny"
INSTALLED_APPS = ["chatflow"]
ASGI_APPLICATION = f"tests.chatflow.{os.environ.get('TINY_MODULE', 'tiny')}.application"
BIND = "127.0.0.1"
PORT = int(os.environ.get("TINY_PORT", "0"))
SHUTDOWN_SECONDS = float(os.environ.get("TINY_SHUTDOWN_SECONDS", "0"))
DATA_DIR = Path(os.environ.get("TINY_DATA_DIR", "."))
ALONE = True
USE_TZ = True
THROTTLE_ON = True
TRUSTED_PROXIES = 0
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
BODY_LIMITS = (("/measures/file", 2 * DATA_UPLOAD_MAX_MEMORY_SIZE),)
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"daphne": {"level": "WARNING"}},
}

FLOOD_FRAMES = 1000
FLOOD_FRAME = "x" * 32 * 1024

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
State = dict[str, Any]

# The progress of each request and socket, by its query string.
states: dict[str, State] = defaultdict(lambda: {"sent": 0, "is_waiting": 0, "is_over": 0})


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    state = states[scope["query_string"].decode()]
    if scope["path"].startswith("/measures"):
        await measure_body(scope, receive, send)
    elif scope["path"] == "/scope":
        await tell_root_path(scope, send)
    elif scope["type"] == "http":
        await HTTP.get(scope["path"], tell_state)(state, send)
    elif scope["path"] == "/refused":
        await refuse_for_now(send)
    else:
        await receive()
        state["headers_before"] = len(scope["headers"])
        state["root_path"] = scope["root_path"]
        await send({"type": "websocket.accept"})
        state["headers_after"] = len(scope["headers"])
        await SOCKETS[scope["path"]](state, receive, send)
        state["is_over"] = 1


async def tell_root_path(scope: dict[str, Any], send: Send) -> None:
    await tell_state({"root_path": scope["root_path"]}, send)


async def send_large_answer(state: State, send: Send) -> None:
    state["sent"] += 1
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 1024 * 1024})


async def tell_state(state: State, send: Send) -> None:
    status = 503 if lifecycle.draining() else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(state).encode()})


async def measure_body(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    length, is_more = 0, True
    while is_more:
        message = await receive()
        length, is_more = length + len(message["body"]), message["more_body"]
    said = int(dict(scope["headers"]).get(b"content-length", 0))
    await tell_state({"length": length, "said": said}, send)


async def wait_for_the_test(state: State, send: Send) -> None:
    state["is_waiting"] = 1
    while not (DATA_DIR / "finish").exists():
        await asyncio.sleep(0.01)
    await tell_state(state, send)


async def pour(state: State, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(FLOOD_FRAMES):
        state["is_waiting"] = 1
        await send({"type": "http.response.body", "body": FLOOD_FRAME.encode(), "more_body": True})
        state["is_waiting"] = 0
        state["sent"] += 1
    await send({"type": "http.response.body", "body": b""})
    state["is_over"] = 1


async def get_stuck(state: State, send: Send) -> None:
    await asyncio.to_thread(time.sleep, 60)


async def fail_half_way(state: State, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("half-way")


async def echo(state: State, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def repeat(state: State, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": "x" * int(message["text"])})


async def flood(state: State, receive: Receive, send: Send) -> None:
    for _ in range(FLOOD_FRAMES):
        sending = asyncio.ensure_future(send({"type": "websocket.send", "text": FLOOD_FRAME}))
        await asyncio.wait([sending], timeout=0.5)
        state["is_waiting"] = int(not sending.done())
        await sending
        state["sent"] += 1
    await receive()


async def refuse_to_listen(state: State, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


async def end_login(state: State, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 4401})
    await send({"type": "websocket.send", "text": "too late, which is no error"})


async def refuse_for_now(send: Send) -> None:
    headers = [(b"retry-after", b"7")]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


HTTP = {
    "/waits": wait_for_the_test,
    "/stuck": get_stuck,
    "/fails": fail_half_way,
    "/pours": pour,
    "/large": send_large_answer,
}
SOCKETS = {
    "/echo": echo,
    "/repeats": repeat,
    "/flood": flood,
    "/deaf": refuse_to_listen,
    "/ends": end_login,
}
