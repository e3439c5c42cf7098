"""deploy/nginx as compose.yaml runs it, with one name whose addresses change as in Docker."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from tests.resilience.servers import PROJECT, free_port, wait_until

pytestmark = pytest.mark.services

NAME = b"\x03web\x00"
WORKERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
OLD, NEW, NEWEST = WORKERS
RESPONSE_FLAGS = 0x8180  # a response without an error


class Names(threading.Thread):
    """A DNS server like Docker's, which resolves `web` to these addresses for one second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.addresses: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            query, peer = self.socket.recvfrom(512)
            assert NAME in query
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query: bytes) -> bytes:
        question = query[12:]
        head = query[:2] + struct.pack(">5H", RESPONSE_FLAGS, 1, len(self.addresses), 0, 0)
        records = [
            struct.pack(">3HIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(address)
            for address in self.addresses
        ]
        return head + question[: len(NAME) + 4] + b"".join(records)


class Worker(BaseHTTPRequestHandler):
    """A stand-in for ChatFlow that echoes request headers; the old version lacks a new file."""

    def do_GET(self) -> None:
        address = self.server.server_address[0]
        is_missing = self.path == "/static/new.js" and address == OLD
        self.send_response(404 if is_missing else 200)
        self.send_header("X-Worker", address)
        self.send_header("X-Received-Forwarded-For", self.headers["X-Forwarded-For"])
        self.send_header("X-Received-Host", self.headers["Host"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Keep requests out of the tests' output."""


@pytest.fixture(scope="module")
def workers() -> Iterator[int]:
    """The port of all workers, the same for each, as in containers."""
    port = free_port()
    servers = [ThreadingHTTPServer((address, port), Worker) for address in WORKERS]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield port
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def names() -> Names:
    names = Names()
    names.start()
    return names


@pytest.fixture(scope="module")
def proxy(workers, names, tmp_path_factory) -> Iterator[httpx2.Client]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    here = {
        "127.0.0.11 valid=5s": f"127.0.0.1:{names.port} valid=1s",
        "web:8000": f"web:{workers}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/dev/stdout": str(folder / "access.log"),
    }
    configure(folder, here)
    own = ["-g", "user root;"] if os.getuid() == 0 else []
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", *own])
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: process.poll() is None and is_listening(port))
        yield client
    process.terminate()
    assert process.wait(30) == 0


def configure(folder: Path, changes: dict[str, str]) -> None:
    """Write the repository's files with this machine's addresses instead of Docker's."""
    there = {path.name: path.read_text() for path in (PROJECT / "deploy/nginx").iterdir()}
    for old, new in changes.items():
        assert any(old in text for text in there.values()), old
        there = {name: text.replace(old, new) for name, text in there.items()}
    for name, text in there.items():
        (folder / name).write_text(text)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def reached(proxy: httpx2.Client, path: str = "/") -> Counter[str]:
    return Counter(proxy.get(path).headers["X-Worker"] for _ in range(50))


def test_new_and_removed_processes_are_found_without_a_reload(names, proxy):
    names.addresses = [OLD, NEW]
    assert set(reached(proxy)) == {OLD, NEW}

    names.addresses = [OLD, NEW, NEWEST]
    wait_until(lambda: NEWEST in reached(proxy))

    names.addresses = [NEWEST]
    wait_until(lambda: set(reached(proxy)) == {NEWEST})


def test_unavailable_process_causes_no_error(names, proxy):
    names.addresses = [NEW, "127.0.0.5"]
    wait_until(lambda: NEW in reached(proxy))

    assert set(reached(proxy)) == {NEW}


def test_new_static_file_is_found_while_old_processes_still_serve(names, proxy):
    names.addresses = [OLD, NEW]
    wait_until(lambda: set(reached(proxy)) == {OLD, NEW})

    assert set(reached(proxy, "/static/new.js")) == {NEW}


def test_proxy_appends_the_client_address_to_forwarded_for(names, proxy):
    names.addresses = [NEW]

    answer = proxy.get("/", headers={"X-Forwarded-For": "203.0.113.7", "Host": "chat.example.org"})

    assert answer.headers["X-Received-Forwarded-For"] == "203.0.113.7, 127.0.0.1"
    assert answer.headers["X-Received-Host"] == "chat.example.org"
