"""Requests with other charsets than UTF-8 are refused."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from asgiref.testing import ApplicationCommunicator

from chatflow.asgi import application


async def ask(content_type="", path="/healthz"):
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
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
async def test_other_charsets_are_refused(charset):
    status, body = await ask(f"text/plain; charset={charset}")

    assert status == 415
    assert b"urn:chatflow:not_utf8" in body


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "nobody-knows-it", ""])
async def test_utf8_and_unknown_charsets_are_accepted(charset):
    status, _body = await ask(f"text/plain; charset={charset}")

    assert status == 200


@pytest.mark.parametrize(
    "path", ["/users/%FF", "/avatars/%C3.webp", "/users/me/%ED%A0%80", "/settings/blocks/a%80/lift"]
)
async def test_path_that_is_not_utf8_is_refused(path):
    status, body = await ask(path=unquote(path))  # as servers do it

    assert status == 400
    assert b"urn:chatflow:not_utf8" in body
