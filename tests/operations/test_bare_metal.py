"""deploy/bare-metal starts two processes behind nginx, as compose.yaml does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from chatflow.server.daphne import RESTARTING
from tests.operations.bare_metal import BareMetal
from tests.resilience.servers import PROJECT, Variables, new_database, wait_until

pytestmark = pytest.mark.services

PASSWORD = "correct horse battery"
PROCESSES = ("chatflow-1", "chatflow-2")
TIMEOUT_SECONDS = 30


@pytest.fixture(scope="module")
def variables() -> Iterator[Variables]:
    with new_database(os.environ["DATABASE_URL"]) as url:
        yield {"DATABASE_URL": url, "REDIS_URL": os.environ["REDIS_URL"]}


@pytest.fixture(scope="module")
def site(variables, tmp_path_factory) -> Iterator[BareMetal]:
    site = BareMetal(tmp_path_factory.mktemp("site"), variables)
    yield site.start()
    if site.is_alive:
        site.stop()


def test_smoke_test_passes_through_the_proxy(site):
    command = [sys.executable, PROJECT / "deploy/smoke.py", f"http://{site.address}"]

    assert "works" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Person:
    """A user with a socket on one of the processes."""

    def __init__(self, site: BareMetal, name: str) -> None:
        self.site = site
        self.http = httpx2.Client(base_url=f"http://{site.address}", timeout=TIMEOUT_SECONDS)
        account = {
            "username": name,
            "email": f"{name}@example.org",
            "password": PASSWORD,
        }
        token = self.post("/auth/register", account)["access"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        return self.http.post(path, json=body).raise_for_status().json()

    @contextmanager
    def listening(self) -> Iterator[ClientConnection]:
        """Open a socket and set `process` to the process that serves it."""
        before = sockets_of(self.site)
        headers, address = dict(self.http.headers), f"ws://{self.site.address}/ws"
        with connect(address, additional_headers=headers, proxy=None) as socket:
            socket.recv(timeout=TIMEOUT_SECONDS)  # ready
            wait_until(lambda: sockets_of(self.site) != before)
            pairs = zip(before, sockets_of(self.site), strict=True)
            (self.process,) = [PROCESSES[n] for n, (old, new) in enumerate(pairs) if new > old]
            yield socket


def sockets_of(site: BareMetal) -> list[int]:
    """Return how many sockets each process has accepted so far."""
    return [site.log_of(name).count("WEBSOCKET /ws connected") for name in PROCESSES]


def close_code(socket: ClientConnection) -> int:
    try:
        while True:
            socket.recv(timeout=TIMEOUT_SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


def received(socket: ClientConnection, body: str) -> bool:
    return any(body in socket.recv(timeout=TIMEOUT_SECONDS) for _ in range(20))


@pytest.fixture(scope="module")
def people(site) -> Iterator[tuple[Person, Person, str]]:
    alice, bob = Person(site, "alice"), Person(site, "bob")
    chat = alice.post("/conversations", {"kind": "direct", "members": ["bob"]})["id"]
    yield alice, bob, f"/conversations/{chat}/messages"
    for person in (alice, bob):
        person.http.close()


def test_users_on_different_processes_receive_each_others_messages(people):
    alice, bob, messages = people

    with alice.listening() as hers, bob.listening() as his:
        assert alice.process != bob.process
        alice.post(messages, {"body": "from alice"})
        bob.post(messages, {"body": "from bob"})

        assert received(hers, "from bob")
        assert received(his, "from alice")


def test_other_process_serves_while_one_restarts(site, people):
    alice, bob, messages = people

    with alice.listening() as hers, bob.listening() as his:
        ended = site.pid_of(alice.process)
        site.signal_process(alice.process, signal.SIGTERM)
        assert close_code(hers) == RESTARTING

        alice.post(messages, {"body": "still here"})
        assert received(his, "still here")
        with alice.listening():
            bob.post(messages, {"body": "welcome back"})
    wait_until(lambda: site.pid_of(alice.process) != ended)


def test_proxy_forwards_the_client_address(site, people):
    alice, _bob, _messages = people

    alice.http.post(
        "/auth/login",
        json={"login": "alice", "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.7"},
    ).raise_for_status()

    addresses = {login["ip"] for login in alice.http.get("/users/me/logins").json()}
    assert addresses == {"127.0.0.1"}


def test_pages_and_static_files_have_chatflow_s_headers(site):
    page = httpx2.get(f"http://{site.address}/login")
    path = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = httpx2.get(f"http://{site.address}{path}")

    assert page.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert style.status_code == 200
    assert "immutable" in style.headers["cache-control"]


def test_logs_contain_no_query_strings(site, people):
    alice, _bob, _messages = people

    alice.http.get("/users", params={"search": "very-private"})

    logs = "".join(path.read_text() for path in (site.directory / "log").iterdir())
    assert "/users" in logs
    assert "very-private" not in logs


def test_uploads_are_limited_to_ten_mebibytes(site, people):
    alice, _bob, _messages = people

    def upload(mebibytes: float) -> int:
        file = {"file": ("alice.png", bytes(int(mebibytes * 2**20)))}
        with suppress(httpx2.WriteError):  # nginx may close the connection after it has refused
            return alice.http.put("/users/me/avatar", files=file).status_code
        return 413

    assert upload(10) == 400  # read completely, but not a picture
    assert upload(12) == 413


def test_files_are_readable_only_by_their_owner(site):
    places = [site.directory / name for name in ("data", "log", "run", "nginx")]
    written = [path for place in places for path in (place, *place.rglob("*"))]

    assert {"chatflow-1.log", "chatflow-1.pid", "site.conf"} <= {path.name for path in written}
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_metrics_are_not_available_through_the_proxy(site):
    assert httpx2.get(f"http://{site.address}/metrics").status_code == 404


def test_missing_services_are_reported(variables, tmp_path):
    alone = BareMetal(tmp_path, variables | {"REDIS_URL": ""})
    alone.process = alone.launch()

    assert alone.process.wait(TIMEOUT_SECONDS) == 1
    assert alone.output().splitlines() == [
        "Several processes need DATABASE_URL and REDIS_URL. For one: make run"
    ]


def test_stopping_ends_all_processes(variables, tmp_path):
    site = BareMetal(tmp_path, variables).start()
    pids = [site.pid_of(name) for name in (*PROCESSES, "nginx")]

    assert site.stop() == 0

    assert not [pid for pid in pids if is_running(pid)]


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
