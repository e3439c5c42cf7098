"""Requests that say what they are encoded in, as the server hands them over."""

from __future__ import annotations

import pytest
from asgiref.testing import ApplicationCommunicator

from chatflow.asgi import application


async def ask(content_type):
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/healthz",
        "query_string": b"a=%C3%A4",
        "headers": [(b"host", b"localhost"), (b"content-type", content_type.encode())],
    }
    wire = ApplicationCommunicator(application, scope)
    await wire.send_input({"type": "http.request", "body": b""})
    start = await wire.receive_output(30)
    return start["status"], (await wire.receive_output(30))["body"]


@pytest.mark.parametrize(
    "charset", ["zlib", "rot13", "undefined", "utf-16", "latin-1", '"zlib"', "\0"]
)
async def test_what_is_not_utf8_is_refused(charset):
    status, body = await ask(f"text/plain; charset={charset}")

    assert status == 415
    assert b"urn:chatflow:not_utf8" in body


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "nobody-knows-it", ""])
async def test_what_is_utf8_is_taken(charset):
    status, _body = await ask(f"text/plain; charset={charset}")

    assert status == 200
