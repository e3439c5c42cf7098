"""PostgreSQL restarts or freezes under load: requests are answered 503, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from tests.resilience.live_clients import LiveClient
from tests.resilience.servers import OwnPostgres, manage, until
from tests.resilience.writers import Writing, assert_complete

pytestmark = pytest.mark.services

WRITERS_EACH = 4
ACKNOWLEDGED_BEFORE_AND_AFTER = 60
LONGEST_SECONDS = 30  # twelve for an answer, five for a connection, the rest for a slow machine
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def on_own_postgres(postgres, tmp_path):
    variables = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": postgres.url,
        "REDIS_URL": os.environ["REDIS_URL"],
    }
    manage(variables, "migrate", "--verbosity=0")
    return variables


async def test_frozen_database_delays_requests_only_briefly(
    on_own_postgres, postgres, serve, people, figure
):
    server = serve(on_own_postgres)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    messages = f"/conversations/{conversation}/messages"
    await alice.say(conversation, "before")
    async with LiveClient(bob) as client:
        postgres.freeze()

        start = time.monotonic()
        answers = await asyncio.gather(
            answer_of(alice, "GET", messages),
            answer_of(alice, "POST", messages, {"body": "nobody hears this"}),
            answer_of(alice, "GET", "/ws", headers=HANDSHAKE),
        )
        figure("told after", f"{time.monotonic() - start:.1f} s")
        assert time.monotonic() - start < LONGEST_SECONDS
        assert [answer.status_code for answer in answers] == [503] * 3
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        assert (await answer_of(alice, "GET", "/healthz")).status_code == 200
        assert (await answer_of(alice, "GET", "/readyz")).status_code == 503

        postgres.thaw()
        said = await alice.say(conversation, "afterwards")
        await until(lambda: client.has(said))
        assert client.connections == 1

    assert_complete(await bob.history(conversation), {})
    assert "Internal Server Error" not in server.output()


async def answer_of(person, method, path, body=None, headers=None):
    headers = person.headers | (headers or {})
    url = f"http://{person.server.address}{path}"
    return await person.http.request(method, url, json=body, headers=headers)


@pytest.mark.parametrize("broken", [OwnPostgres.stop, OwnPostgres.kill])
async def test_database_restart_loses_no_acknowledged_message(
    broken, on_own_postgres, postgres, serve, people, figure
):
    server = serve(on_own_postgres)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, bob, each=WRITERS_EACH)

    async with LiveClient(bob) as client, writing:
        await writing.acknowledge(ACKNOWLEDGED_BEFORE_AND_AFTER)
        acknowledged = writing.acknowledged
        await asyncio.to_thread(broken, postgres)
        await until(lambda: alice.statuses[503] and bob.statuses[503])
        await asyncio.to_thread(postgres.start)
        start = time.monotonic()
        assert_complete(await alice.history(conversation), acknowledged)
        figure("answering again after", f"{time.monotonic() - start:.1f} s")
        await writing.acknowledge(ACKNOWLEDGED_BEFORE_AND_AFTER)
        await writing.finish()
        await until(lambda: client.has(*writing.acknowledged.values()))
        assert client.connections == 1

    history = await alice.history(conversation)
    assert_complete(history, writing.acknowledged)
    assert len(history) == len(writing.acknowledged)
    assert "Internal Server Error" not in server.output()
    figure("answers", str(dict(alice.statuses + bob.statuses)))
