"""The client that the README shows, run as its reader would run it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.documents.conftest import PASSWORD
from tests.truth import servers
from tests.truth.servers import PROJECT


@pytest.fixture
def run(server, tmp_path):
    """run("alice", "bob", "Hello") starts the client; answers what reads its lines."""
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


def test_it_says_hello_hears_the_answer_and_misses_nothing_while_the_server_is_away(
    server, program, run
):
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


def test_the_readme_shows_it_as_it_is():
    client = (PROJECT / "docs/client.py").read_text().partition('"""\n\n')[2]

    assert f"```python\n{client}```" in (PROJECT / "README.md").read_text()
