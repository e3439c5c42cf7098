"""A server as people run it, empty, and programs that talk to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.truth import servers
from tests.truth.servers import Server

PASSWORD = "correct horse battery"


@pytest.fixture
def server(tmp_path: Path):
    folder = {"DATA_DIR": str(tmp_path)}
    servers.manage(folder, "migrate", "--verbosity=0")
    server = Server(folder).start()
    yield server
    if server.is_alive:
        server.kill()


@pytest.fixture
def program(server) -> Callable[[str], httpx.Client]:
    """program("bob") has just registered, and acts as him."""

    def make(username: str) -> httpx.Client:
        client = httpx.Client(base_url=f"http://{server.address}", timeout=30)
        account = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        token = client.post("/auth/register", json=account).raise_for_status().json()["access"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return make
