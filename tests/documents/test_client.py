"""`docs/client.py` works against a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.documents.conftest import PASSWORD
from tests.resilience import servers
from tests.resilience.servers import PROJECT


@pytest.fixture
def run(server, tmp_path):
    """run("alice", "bob", "Hello") starts the client; it returns a reader of its output."""
    started: list[subprocess.Popen] = []

    def start(login: str, friend: str, text: str) -> Callable[[], list[str]]:
        printed = tmp_path / "printed"
        address = f"http://{server.address}"
        command = [sys.executable, "docs/client.py", address, login, PASSWORD, friend, text]
        started.append(subprocess.Popen(command, cwd=PROJECT, stdout=printed.open("wb")))
        return lambda: printed.read_text().splitlines()

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_client_receives_all_messages_although_the_server_restarts(server, program, run):
    bob = program("bob")
    program("alice")
    lines = run("alice", "bob", "Hello")
    servers.wait_until(lambda: lines() == ["alice: Hello"])
    [chat] = bob.get("/conversations").json()["results"]
    messages = f"/conversations/{chat['id']}/messages"
    bob.post(messages, json={"body": "Hi"}).raise_for_status()
    servers.wait_until(lambda: lines() == ["alice: Hello", "bob: Hi"])

    server.kill()
    server.start()
    bob.post(messages, json={"body": "Still there?"}).raise_for_status()

    servers.wait_until(lambda: lines() == ["alice: Hello", "bob: Hi", "bob: Still there?"])
    assert [each["body"] for each in bob.get(messages).json()["results"]] == [
        "Hello",
        "Hi",
        "Still there?",
    ]
