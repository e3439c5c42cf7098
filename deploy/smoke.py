#!/usr/bin/env python3
"""Check that a running ChatFlow works: `deploy/smoke.py http://localhost:8000`.

Waits until it is ready, then two new people sign up, one writes to the other over HTTP, and the
other receives it: from the history and over a WebSocket handshake. Needs Python 3.11, no packages,
and an open registration. Use it on a test instance: the two accounts delete themselves at the end.
"""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import urlsplit

READY_SECONDS = 120
REQUEST_SECONDS = 10
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "Y2hhdGZsb3ctc21va2UtMQ==",
}


class Failed(Exception):
    """An answer that a working instance would not give."""


def main(address: str) -> None:
    wait_until_ready(address)
    expect(request(address, "GET", "/login"), 200)
    password = secrets.token_urlsafe(16)
    alice, bob = (sign_up(address, name, password) for name in ("alice", "bob"))
    wanted = {"kind": "direct", "members": [bob["user"]["username"]]}
    chat = expect(request(address, "POST", "/conversations", wanted, alice), 201)
    path = f"/conversations/{chat['id']}/messages"
    sent = expect(request(address, "POST", path, {"body": "Does it work?"}, alice), 201)
    history = expect(request(address, "GET", path, None, bob), 200)
    if [message["id"] for message in history["results"]] != [sent["id"]]:
        raise Failed(f"Bob's history does not have Alice's message: {history}")
    expect(request(address, "GET", "/ws", None, bob, headers=UPGRADE), 101)
    for person in (alice, bob):
        expect(request(address, "DELETE", "/users/me", {"password": password}, person), 204)
    print(f"{address} works.")


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            expect(request(address, "GET", "/readyz"), 200)
            return
        except (OSError, http.client.HTTPException, Failed):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def sign_up(address: str, name: str, password: str) -> dict[str, Any]:
    username = f"{name}_{secrets.token_hex(4)}"
    person = {"username": username, "email": f"{username}@example.org", "password": password}
    return expect(request(address, "POST", "/auth/register", person), 201)


def request(
    address: str,
    method: str,
    path: str,
    body: object = None,
    person: dict[str, Any] | None = None,
    *,
    headers: dict[str, str] | None = None,
) -> tuple[str, int, bytes]:
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=REQUEST_SECONDS)
    sent = {"Content-Type": "application/json"} | (headers or {})
    if person:
        sent["Authorization"] = f"Bearer {person['access']}"
    try:
        connection.request(method, path, json.dumps(body) if body else None, sent)
        response = connection.getresponse()
        upgraded = response.status == http.HTTPStatus.SWITCHING_PROTOCOLS
        return f"{method} {path}", response.status, b"" if upgraded else response.read()
    finally:
        connection.close()


def expect(answer: tuple[str, int, bytes], status: int) -> Any:
    """Return the JSON of an answer. Raises Failed for another status."""
    asked, got, body = answer
    if got != status:
        raise Failed(f"{asked} answered {got} instead of {status}: {body[:300]!r}")
    return json.loads(body) if body[:1] in (b"{", b"[") else None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"Usage: {sys.argv[0]} http://localhost:8000")
    try:
        main(sys.argv[1].rstrip("/"))
    except (OSError, http.client.HTTPException, Failed) as failure:
        sys.exit(f"{sys.argv[1]} does not work: {failure}")
