"""The log of a real server has one line for each request, without secrets or message texts."""

from __future__ import annotations

import json

from tests.resilience.live_clients import LiveClient
from tests.resilience.people import PASSWORD
from tests.resilience.servers import wait_until

WORD = "rhubarb"  # occurs in every message text


async def test_log_names_requests_but_no_message_text(on_sqlite, serve, people):
    server = serve(on_sqlite | {"LOG_FORMAT": "json"})
    alice, bob = await people(server, "alice", "bob")
    await alice.log_in()
    conversation = await alice.start_direct(bob)
    path = f"/conversations/{conversation}/messages"
    alice.http.headers.update(alice.headers | {"X-Request-Id": "a-search"})
    async with LiveClient(bob) as client:
        message = await alice.say(conversation, f"Do you like {WORD}?")
        await alice.ask("PATCH", f"{path}/{message['id']}", {"body": f"Do you like {WORD} pie?"})
        for query in (f"q={WORD}", f"token={alice.token}"):
            await alice.http.get(f"http://{server.address}/users?search={WORD}&{query}")
            await alice.http.get(f"http://{server.address}/users/nobody?{query}")
            await alice.http.post(f"http://{server.address}/auth/login?{query}", content=WORD)
        wait_until(lambda: client.messages)
    wait_until(lambda: server.output().count("/auth/login") >= 3)
    server.stop()

    url, *lines = server.output().splitlines()
    assert url == f"ChatFlow is on http://localhost:{server.port}"
    lines = [json.loads(line) for line in lines]
    said = {line["message"]: line["request_id"] for line in lines}
    assert said["GET /users 200"] == said["GET /users/nobody 404"] == "a-search"
    assert len(said["WEBSOCKET /ws connected"]) == 32
    assert "-" not in {line["request_id"] for line in lines if line["logger"] == "chatflow.access"}
    for secret in (WORD, PASSWORD, alice.token, alice.token.rpartition(".")[2]):
        assert secret not in server.output()


async def test_token_in_subprotocols_is_not_logged(on_sqlite, serve, people):
    server = serve(on_sqlite)
    (alice,) = await people(server, "alice")
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    for token, status in ((alice.token, 101), (alice.token + "x", 401)):
        offered = {"Sec-WebSocket-Protocol": f"chatflow.v1, bearer.{token}"}
        async with alice.http.stream(
            "GET", f"http://{server.address}/ws?{WORD}", headers=handshake | offered
        ) as answer:
            assert answer.status_code == status

    wait_until(lambda: "WEBSOCKET /ws 401" in server.output())
    assert "WEBSOCKET /ws connected" in server.output()
    for secret in (WORD, alice.token):
        assert secret not in server.output()


async def test_health_checks_are_not_logged(on_sqlite, serve, people):
    server = serve(on_sqlite)
    (alice,) = await people(server, "alice")

    for path in ("/healthz", "/readyz", "/users/me"):
        await alice.ask("GET", path)

    wait_until(lambda: "GET /users/me 200" in server.output())
    assert "/healthz" not in server.output()
    assert "/readyz" not in server.output()
