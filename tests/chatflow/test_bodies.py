"""Bodies that are larger than their path accepts are refused under any server."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.conf import settings

from chatflow.asgi import application
from chatflow.server.bodies import body_limit

MIB = 1024 * 1024
FORM = b"multipart/form-data; boundary=b"


async def post(path, *, length, says_length=True, accept=b"*/*", content_type=FORM):
    """Return the status and the body of the response."""
    headers = [(b"host", b"localhost"), (b"accept", accept), (b"content-type", content_type)]
    if says_length:
        headers.append((b"content-length", b"%d" % length))
    taken, sent = 0, []

    async def receive():
        nonlocal taken
        if sent or taken == length:
            await asyncio.Event().wait()  # the peer stays
        piece = min(MIB // 2, length - taken)
        taken += piece
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * piece, "more_body": taken < length}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    async with asyncio.timeout(60):
        await application(scope | {"headers": headers}, receive, send)
    content = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], content


@pytest.mark.parametrize("path", ["/auth/login", "/users/me", "/conversations"])
async def test_body_over_a_mebibyte_is_a_413_problem(path):
    status, content = await post(path, length=20 * MIB)

    assert status == 413
    assert json.loads(content)["status"] == 413


async def test_body_over_a_mebibyte_is_a_page_for_people():
    status, content = await post("/login", length=2 * MIB, accept=b"text/html")

    assert status == 413
    assert b"<html" in content


@pytest.mark.parametrize("path", ["/auth/login", "/users/me/avatar"])
async def test_chunked_body_is_refused_above_the_limit_of_its_path(path):
    status, _content = await post(path, length=20 * MIB, says_length=False)

    assert status == 413


@pytest.mark.parametrize("path", ["/users/me/avatar", "/settings/avatar"])
def test_avatar_paths_accept_larger_bodies(path):
    assert body_limit(path) == settings.AVATAR_MAX_BYTES + MIB
    assert body_limit(f"{path}/remove") == MIB


@pytest.mark.parametrize("path", ["/auth/login", "/login"])
@pytest.mark.parametrize(
    "content_type", [b"multipart/form-data", b"multipart/form-data; boundary=b"]
)
async def test_malformed_form_is_refused_with_a_problem(path, content_type):
    status, content = await post(
        path, length=100, content_type=content_type, accept=b"application/json"
    )

    assert status in (400, 403)
    assert json.loads(content)["status"] == status
