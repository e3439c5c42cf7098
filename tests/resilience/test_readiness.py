"""/readyz reports an unavailable service soon and does not delay other requests."""

from __future__ import annotations

import asyncio
import time

import httpx2
import pytest

from tests.resilience.servers import manage, until

pytestmark = pytest.mark.services

# Two seconds are promised; the rest is for a slow machine. A frozen PostgreSQL takes twelve.
LONGEST_SECONDS = 6
MANY = 250  # more than there are places for requests
BREAKS = ("stop", "kill", "freeze")


@pytest.fixture
def server(postgres, redis, serve, tmp_path):
    variables = {"DATA_DIR": str(tmp_path), "DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
    manage(variables, "migrate", "--verbosity=0")
    return serve(variables)


@pytest.mark.parametrize("service", ["database", "cache"])
async def test_readiness_fails_soon_after_an_outage(service, server, postgres, redis):
    program = postgres if service == "database" else redis
    well = {"status": "ok", "draining": False, "database": True, "cache": True}
    async with httpx2.AsyncClient(base_url=f"http://{server.address}", timeout=60) as client:
        for broken in BREAKS:
            assert (await client.get("/readyz")).json() == well

            await asyncio.to_thread(getattr(program, broken))
            start = time.monotonic()
            answer = await client.get("/readyz")
            seconds = time.monotonic() - start

            assert (answer.status_code, answer.json()[service]) == (503, False)
            assert seconds < LONGEST_SECONDS
            if program.is_alive:
                program.thaw()
            else:
                await asyncio.to_thread(program.start)
            await until(lambda: httpx2.get(f"http://{server.address}/readyz").status_code == 200)


async def test_readiness_checks_hold_no_threads_or_connections(server, postgres):
    limits = httpx2.Limits(max_connections=MANY + 1)
    async with httpx2.AsyncClient(
        base_url=f"http://{server.address}", timeout=60, limits=limits
    ) as client:
        postgres.freeze()
        asking = [asyncio.create_task(client.get("/readyz")) for _ in range(MANY)]
        await asyncio.wait(asking)
        postgres.thaw()

        assert {task.result().status_code for task in asking} == {503}
        stranger = {"login": "nobody", "password": "a long enough one"}
        assert (await client.post("/auth/login", json=stranger)).status_code == 401
