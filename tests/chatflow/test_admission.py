"""Request ids and load shedding."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from chatflow.operations.logs import request_id
from chatflow.server.admission import AdmissionControl, RequestId


async def test_request_over_the_limit_is_refused_and_a_later_one_is_served():
    may_end, served = asyncio.Event(), []

    async def slow(scope, receive, send):
        await may_end.wait()
        served.append(scope["path"])

    admission = AdmissionControl(slow, most=2)
    inside = [asyncio.create_task(_ask(admission, f"/{number}")) for number in range(2)]
    await asyncio.sleep(0)

    start, body = await _ask(admission, "/too-many")
    may_end.set()
    await asyncio.gather(*inside)
    await _ask(admission, "/later")

    assert start["status"] == 503
    assert (b"retry-after", b"2") in start["headers"]
    assert json.loads(body["body"])["type"] == "urn:chatflow:unavailable"
    assert served == ["/0", "/1", "/later"]


async def test_request_is_not_counted_once_its_response_begins():
    is_read = asyncio.Event()

    async def slowly_read(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await is_read.wait()

    admission = AdmissionControl(slowly_read, most=1)
    readers = [asyncio.create_task(_ask(admission, "/")) for _ in range(3)]
    await asyncio.sleep(0)
    is_read.set()

    assert [start["status"] for (start,) in await asyncio.gather(*readers)] == [200] * 3


@pytest.mark.parametrize(
    ("neighbour", "forwarded", "status"),
    [
        ("192.0.2.1", "", 503),
        ("192.0.2.2", "", 200),
        ("192.0.2.1", "198.51.100.7", 200),
        ("192.0.2.9", "192.0.2.1", 503),
    ],
)
async def test_one_address_cannot_exhaust_the_limit(settings, neighbour, forwarded, status):
    settings.THROTTLE_ON = True
    settings.TRUSTED_PROXIES = 1

    start = await _beside_a_slow_request_of("192.0.2.1", neighbour, forwarded)

    assert start["status"] == status


async def test_addresses_are_not_limited_when_throttling_is_off(settings):
    settings.THROTTLE_ON = False

    start = await _beside_a_slow_request_of("192.0.2.1", "192.0.2.1", "")

    assert start["status"] == 200


async def _beside_a_slow_request_of(busy_address, address, forwarded):
    """Return the response to `address` while `busy_address` has a request under way."""
    may_end = asyncio.Event()

    async def slow(scope, receive, send):
        if scope["path"] == "/slow":
            await may_end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    admission = AdmissionControl(slow, most=3, most_of_address=1)
    busy = asyncio.create_task(_ask(admission, "/slow", client=busy_address))
    await asyncio.sleep(0)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    start, *_body = await _ask(admission, "/", *headers, client=address)
    may_end.set()
    await busy
    return start


async def test_slow_requests_leave_places_to_all_others():
    may_end = asyncio.Event()

    async def slow(scope, receive, send):
        if scope["path"] == "/login":
            await may_end.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    admission = AdmissionControl(slow, most=3, most_slow=1)
    running = asyncio.create_task(_ask(admission, "/login"))
    await asyncio.sleep(0)
    refused, *_body = await _ask(admission, "/login")
    (served,) = await _ask(admission, "/conversations")
    may_end.set()
    await running

    assert (refused["status"], served["status"]) == (503, 200)


async def test_failed_request_is_not_counted_any_more():
    async def broken(scope, receive, send):
        raise RuntimeError

    admission = AdmissionControl(broken, most=1)
    for _ in range(3):
        answered = await asyncio.gather(_ask(admission, "/"), return_exceptions=True)

        assert isinstance(answered[0], RuntimeError)


@pytest.mark.parametrize("given", [b"", b"two words", b"x" * 65, b"line\nbreak", "ä".encode()])
async def test_request_without_a_valid_id_gets_one(given):
    request_ids = []

    for _ in range(2):
        (start, _body), inside = await _named(given)
        assert start["headers"] == [(b"content-length", b"0"), (b"x-request-id", inside.encode())]
        request_ids.append(inside)

    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in request_ids)
    assert request_ids[0] != request_ids[1]


async def test_request_id_of_a_proxy_is_kept():
    (start, _body), inside = await _named(b"from-the.proxy_1")

    assert inside == "from-the.proxy_1"
    assert (b"x-request-id", b"from-the.proxy_1") in start["headers"]
    assert request_id.get() == "-"


async def _named(given):
    """Return the response to a request with this id, and the id that it had in the log."""
    request_ids = []

    async def application(scope, receive, send):
        request_ids.append(request_id.get())
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return await _ask(RequestId(application), "/", (b"x-request-id", given)), *request_ids


async def _ask(application, path, *headers, client=""):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    scope["client"] = (client, 0)
    await application(scope, None, send)
    return sent
