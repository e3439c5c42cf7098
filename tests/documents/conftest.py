"""An empty server with default settings, and HTTP clients for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.resilience import servers
from tests.resilience.servers import Server

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
def program(server) -> Callable[[str], httpx2.Client]:
    """program("bob") registers bob and returns an HTTP client with his token."""

    def make(username: str) -> httpx2.Client:
        client = httpx2.Client(base_url=f"http://{server.address}", timeout=30)
        account = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        token = client.post("/auth/register", json=account).raise_for_status().json()["access"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return make
