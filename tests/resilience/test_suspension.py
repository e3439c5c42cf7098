"""A suspension takes effect on all processes, immediately or at the next periodic check."""

from __future__ import annotations

import asyncio
import re
import time

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.resilience import servers
from tests.resilience.people import PASSWORD, Person, connected
from tests.resilience.servers import Server, Variables

pytestmark = pytest.mark.services

LOGIN_ENDED = 4401
AT_ONCE_SECONDS = 2
CHECKED_SECONDS = 35  # the check comes every 30; the rest is for a slow machine


class Moderator:
    """A superuser who uses the admin of one server."""

    def __init__(self, server: Server) -> None:
        self.page = httpx2.Client(base_url=f"http://{server.address}", timeout=30)

    def sign_in(self) -> None:
        self._post("/login", login="root", password=PASSWORD)

    def suspend(self, person: Person) -> None:
        listed = self.page.get("/admin/accounts/user/", params={"q": person.name}).text
        ticked = re.search(r'name="_selected_action" value="([^"]+)"', listed)
        assert ticked
        self._post("/admin/accounts/user/", action="suspend", _selected_action=ticked[1])

    def _post(self, path: str, **fields: str) -> None:
        self.page.get("/login")
        fields["csrfmiddlewaretoken"] = self.page.cookies["csrftoken"]
        assert self.page.post(path, data=fields).status_code == 302


@pytest.fixture
def staffed(on_postgres: Variables) -> Variables:
    """The variables of servers whose database has a superuser."""
    account = {"USERNAME": "root", "EMAIL": "root@example.org", "PASSWORD": PASSWORD}
    secrets = {f"DJANGO_SUPERUSER_{name}": value for name, value in account.items()}
    servers.manage(on_postgres | secrets, "createsuperuser", "--no-input")
    servers.manage(on_postgres, "prepare")  # the pages' files
    return on_postgres


async def closed(socket: ClientConnection) -> int:
    """Wait until the socket is closed and return the close code."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006


async def test_suspension_closes_sockets_on_both_processes_within_two_seconds(
    staffed, serve, people, figure
):
    one, other = serve(staffed), serve(staffed)
    (mallory, alice) = await people(one, "mallory", "alice")
    hers = [await connected(mallory)]
    mallory.servers = [other]
    hers.append(await connected(mallory))
    alice_s = await connected(alice)
    root = Moderator(one)
    await asyncio.to_thread(root.sign_in)

    start = time.monotonic()
    suspending = asyncio.to_thread(root.suspend, mallory)
    _done, *codes = await asyncio.gather(suspending, *(closed(socket) for socket in hers))
    seconds = time.monotonic() - start

    assert codes == [LOGIN_ENDED, LOGIN_ENDED]
    assert seconds < AT_ONCE_SECONDS
    assert await is_refused(mallory, one, other)
    assert alice_s.close_code is None
    await alice_s.close()
    figure("asked for, and out of both", f"{seconds:.2f} s")


async def test_periodic_check_enforces_suspension_without_redis(
    staffed, redis, serve, people, figure
):
    """The message that closes the sockets is lost; requests always ask the database."""
    server = serve(staffed | {"REDIS_URL": redis.url})
    (mallory,) = await people(server, "mallory")
    hers = await connected(mallory)
    root = Moderator(server)
    await asyncio.to_thread(root.sign_in)

    redis.kill()
    await asyncio.to_thread(root.suspend, mallory)
    start = time.monotonic()
    assert await is_refused(mallory, server)
    assert await closed(hers) == LOGIN_ENDED
    seconds = time.monotonic() - start

    assert seconds < CHECKED_SECONDS
    figure("out without an order", f"{seconds:.1f} s")


async def is_refused(person: Person, *where: Server) -> bool:
    """Return whether each server refuses the token, the password and a new socket."""
    credentials = {"login": person.name, "password": PASSWORD}
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    statuses = set()
    for server in where:
        address = f"http://{server.address}"
        answers = [
            await person.http.get(f"{address}/users/me", headers=person.headers),
            await person.http.post(f"{address}/auth/login", json=credentials),
            await person.http.get(f"{address}/ws", headers=person.headers | upgrade),
        ]
        statuses |= {answer.status_code for answer in answers}
    return statuses <= {401, 403}
