"""What every request meets: a name, and a bound beyond which it is refused at once."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from chatflow.entrance import Entrance, RequestId
from chatflow.logs import request_id


async def test_a_request_too_many_is_told_to_come_back_and_the_next_one_is_served():
    doors, served = asyncio.Event(), []

    async def slow(scope, receive, send):
        await doors.wait()
        served.append(scope["path"])

    entrance = Entrance(slow, most=2)
    inside = [asyncio.create_task(_ask(entrance, f"/{number}")) for number in range(2)]
    await asyncio.sleep(0)

    start, body = await _ask(entrance, "/too-many")
    doors.set()
    await asyncio.gather(*inside)
    await _ask(entrance, "/later")

    assert start["status"] == 503
    assert (b"retry-after", b"2") in start["headers"]
    assert json.loads(body["body"])["type"] == "urn:chatflow:unavailable"
    assert served == ["/0", "/1", "/later"]


async def test_a_request_that_fails_leaves_its_place():
    async def broken(scope, receive, send):
        raise RuntimeError

    entrance = Entrance(broken, most=1)
    for _ in range(3):
        answered = await asyncio.gather(_ask(entrance, "/"), return_exceptions=True)

        assert isinstance(answered[0], RuntimeError)


@pytest.mark.parametrize("given", [b"", b"two words", b"x" * 65, b"line\nbreak", "ä".encode()])
async def test_a_request_without_a_good_name_is_given_one(given):
    names = []

    for _ in range(2):
        (start, _body), inside = await _named(given)
        assert start["headers"] == [(b"content-length", b"0"), (b"x-request-id", inside.encode())]
        names.append(inside)

    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert names[0] != names[1]


async def test_the_name_that_a_proxy_gave_is_kept():
    (start, _body), inside = await _named(b"from-the.proxy_1")

    assert inside == "from-the.proxy_1"
    assert (b"x-request-id", b"from-the.proxy_1") in start["headers"]
    assert request_id.get() == "-"


async def _named(given):
    """What a request with this name was answered, and what it was called meanwhile."""
    names = []

    async def application(scope, receive, send):
        names.append(request_id.get())
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return await _ask(RequestId(application), "/", (b"x-request-id", given)), *names


async def _ask(application, path, *headers):
    sent = []

    async def send(message):
        sent.append(message)

    await application({"type": "http", "path": path, "headers": headers}, None, send)
    return sent
