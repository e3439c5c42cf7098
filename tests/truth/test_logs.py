"""The log of a real server: a line for each request, by its name, and nobody's secrets."""

from __future__ import annotations

import json

from tests.truth.people import PASSWORD
from tests.truth.phones import Phone
from tests.truth.servers import wait_until

WORD = "rhubarb"  # in everything that only people may read


async def test_requests_are_in_the_log_by_name_and_nothing_that_was_said(on_sqlite, serve, people):
    server = serve(on_sqlite | {"LOG_FORMAT": "json"})
    alice, bob = await people(server, "alice", "bob")
    await alice.log_in()
    conversation = await alice.start_direct(bob)
    path = f"/conversations/{conversation}/messages"
    alice.http.headers.update(alice.headers | {"X-Request-Id": "a-search"})
    async with Phone(bob) as phone:
        message = await alice.say(conversation, f"Do you like {WORD}?")
        await alice.ask("PATCH", f"{path}/{message['id']}", {"body": f"Do you like {WORD} pie?"})
        for query in (f"q={WORD}", f"token={alice.token}"):
            await alice.http.get(f"http://{server.address}/users?search={WORD}&{query}")
            await alice.http.get(f"http://{server.address}/users/nobody?{query}")
            await alice.http.post(f"http://{server.address}/auth/login?{query}", content=WORD)
        wait_until(lambda: phone.messages)
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


async def test_a_token_among_the_subprotocols_is_not_logged(on_sqlite, serve, people):
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


async def test_a_balancer_that_asks_all_day_fills_no_log(on_sqlite, serve, people):
    server = serve(on_sqlite)
    (alice,) = await people(server, "alice")

    for path in ("/healthz", "/readyz", "/users/me"):
        await alice.ask("GET", path)

    wait_until(lambda: "GET /users/me 200" in server.output())
    assert "/healthz" not in server.output()
    assert "/readyz" not in server.output()
