"""deploy/bare-metal: two processes behind nginx, as compose.yaml starts them, serve two people."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from chatflow.server import RESTARTING
from tests.operations.bare_metal import BareMetal
from tests.truth.servers import Variables, new_database, wait_until

pytestmark = pytest.mark.services

PASSWORD = "correct horse battery"
PROCESSES = ("chatflow-1", "chatflow-2")
PATIENCE_SECONDS = 30


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


class Person:
    """Somebody with an account and one socket, on whichever process the proxy chose."""

    def __init__(self, site: BareMetal, name: str) -> None:
        self.site = site
        self.http = httpx.Client(base_url=f"http://{site.address}", timeout=PATIENCE_SECONDS)
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
        """A socket of hers; `process` says where it is."""
        before = sockets_of(self.site)
        headers, address = dict(self.http.headers), f"ws://{self.site.address}/ws"
        with connect(address, additional_headers=headers, proxy=None) as socket:
            socket.recv(timeout=PATIENCE_SECONDS)  # ready
            wait_until(lambda: sockets_of(self.site) != before)
            pairs = zip(before, sockets_of(self.site), strict=True)
            (self.process,) = [PROCESSES[n] for n, (old, new) in enumerate(pairs) if new > old]
            yield socket


def sockets_of(site: BareMetal) -> list[int]:
    """How many each process has ever accepted."""
    return [site.log_of(name).count("WEBSOCKET /ws connected") for name in PROCESSES]


def close_code(socket: ClientConnection) -> int:
    try:
        while True:
            socket.recv(timeout=PATIENCE_SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


def heard(socket: ClientConnection, body: str) -> bool:
    return any(body in socket.recv(timeout=PATIENCE_SECONDS) for _ in range(20))


@pytest.fixture(scope="module")
def people(site) -> Iterator[tuple[Person, Person, str]]:
    alice, bob = Person(site, "alice"), Person(site, "bob")
    chat = alice.post("/conversations", {"kind": "direct", "members": ["bob"]})["id"]
    yield alice, bob, f"/conversations/{chat}/messages"
    for person in (alice, bob):
        person.http.close()


def test_two_people_on_different_processes_hear_each_other(people):
    alice, bob, messages = people

    with alice.listening() as hers, bob.listening() as his:
        assert alice.process != bob.process
        alice.post(messages, {"body": "from alice"})
        bob.post(messages, {"body": "from bob"})

        assert heard(hers, "from bob")
        assert heard(his, "from alice")


def test_a_process_that_ends_says_so_and_the_other_one_serves_on(site, people):
    alice, bob, messages = people

    with alice.listening() as hers, bob.listening() as his:
        ended = site.pid_of(alice.process)
        site.tell_process(alice.process, signal.SIGTERM)
        assert close_code(hers) == RESTARTING

        alice.post(messages, {"body": "still here"})
        assert heard(his, "still here")
        with alice.listening():
            bob.post(messages, {"body": "welcome back"})
    wait_until(lambda: site.pid_of(alice.process) != ended)


def test_the_proxy_says_who_is_asking(site, people):
    alice, _bob, _messages = people

    alice.http.post(
        "/auth/login",
        json={"login": "alice", "password": PASSWORD},
        headers={"X-Forwarded-For": "203.0.113.7"},
    ).raise_for_status()

    addresses = {login["ip"] for login in alice.http.get("/users/me/logins").json()}
    assert addresses == {"127.0.0.1"}


def test_pages_have_the_security_headers_of_chatflow_and_its_static_files(site):
    page = httpx.get(f"http://{site.address}/login")
    path = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = httpx.get(f"http://{site.address}{path}")

    assert page.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert style.status_code == 200
    assert "immutable" in style.headers["cache-control"]


def test_no_log_has_a_query(site, people):
    alice, _bob, _messages = people

    alice.http.get("/users", params={"search": "very-private"})

    logs = "".join(path.read_text() for path in (site.directory / "log").iterdir())
    assert "/users" in logs
    assert "very-private" not in logs


def test_an_upload_of_ten_mebibytes_reaches_chatflow_and_no_more(site, people):
    alice, _bob, _messages = people

    def upload(mebibytes: float) -> int:
        file = {"file": ("alice.png", bytes(int(mebibytes * 2**20)))}
        with suppress(httpx.WriteError):  # nginx need not read what it has refused
            return alice.http.put("/users/me/avatar", files=file).status_code
        return 413

    assert upload(10) == 400  # read to its end, and no picture
    assert upload(12) == 413


def test_metrics_are_for_those_who_know_the_processes(site):
    assert httpx.get(f"http://{site.address}/metrics").status_code == 404


def test_without_services_it_says_why_it_does_not_start(variables, tmp_path):
    alone = BareMetal(tmp_path, variables | {"REDIS_URL": ""})
    alone.process = alone.launch()

    assert alone.process.wait(PATIENCE_SECONDS) == 1
    assert alone.output().splitlines() == [
        "Several processes need DATABASE_URL and REDIS_URL. For one: make run"
    ]


def test_a_stop_leaves_nothing_behind(variables, tmp_path):
    site = BareMetal(tmp_path, variables).start()
    pids = [site.pid_of(name) for name in (*PROCESSES, "nginx")]

    assert site.stop() == 0

    assert not [pid for pid in pids if is_running(pid)]


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
