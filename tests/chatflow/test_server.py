"""A real server process around a tiny application, and peers that behave badly."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chatflow.backpressure import MOST_BODY_BYTES, Tap
from chatflow.server import MAX_FRAME_BYTES, RESTARTING, Server
from chatflow.single import LOCK_NAME
from tests.chatflow.tiny import FLOOD_FRAME, FLOOD_FRAMES

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90  # of tests, so that a busy machine fails none


class TinyServer:
    """`manage.py serve` with the settings and the application of tests.chatflow.tiny."""

    def __init__(self, data_dir: Path, *, port: int, shutdown_seconds: float) -> None:
        self.data_dir = data_dir
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = data_dir / f"{port}.log"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "django", "serve"],
            cwd=PROJECT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.chatflow.tiny",
                "PYTHONPATH": str(PROJECT),
                "TINY_DATA_DIR": str(data_dir),
                "TINY_PORT": str(port),
                "TINY_SHUTDOWN_SECONDS": str(shutdown_seconds),
            },
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )

    def output(self) -> str:
        return self.log.read_text()

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.output()
        return "ChatFlow is on" in self.output()

    def is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=PATIENCE_SECONDS)

    def state(self, socket: str) -> dict[str, int]:
        return self.get(f"/?{socket}").json()

    def connect(self, path: str) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None)

    def exit_code(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def serving(
    data_dir: Path,
    *,
    port: int = 0,
    shutdown_seconds: float = PATIENCE_SECONDS,
    starts: bool = True,
) -> Iterator[TinyServer]:
    server = TinyServer(data_dir, port=port or free_port(), shutdown_seconds=shutdown_seconds)
    try:
        if starts:
            until(server.is_up)
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[TinyServer]:
    """One server for all tests that leave it running."""
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def close_code(peer: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        peer.recv(timeout=PATIENCE_SECONDS)
    assert closed.value.rcvd, "the connection was cut without a close frame"
    return closed.value.rcvd.code


@contextmanager
def peer_that_never_reads(server: TinyServer, path: str) -> Iterator[socket.socket]:
    """A bare connection with a small window, after its WebSocket handshake."""
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        peer.connect(("127.0.0.1", server.port))
        peer.sendall(handshake.encode())
        assert peer.recv(1024).startswith(b"HTTP/1.1 101")
        yield peer


# Peers that do not keep up


def test_whoever_writes_waits_for_a_peer_that_does_not_read(server):
    with peer_that_never_reads(server, "/flood?slow"):
        until(lambda: server.state("slow")["is_waiting"])

        assert server.state("slow")["sent"] < FLOOD_FRAMES / 2


def test_the_others_do_not_wait(server):
    numbers = [str(number) for number in range(100)]

    with peer_that_never_reads(server, "/flood?lazy"), server.connect("/echo") as other:
        until(lambda: server.state("lazy")["is_waiting"])
        for number in numbers:
            other.send(number)

        assert [other.recv(timeout=PATIENCE_SECONDS) for _ in numbers] == numbers
        assert server.state("lazy")["is_waiting"]


def test_a_peer_that_reads_late_gets_everything(server):
    with server.connect("/flood?late") as peer:
        until(lambda: server.state("late")["is_waiting"])

        assert all(peer.recv(timeout=PATIENCE_SECONDS) == FLOOD_FRAME for _ in range(FLOOD_FRAMES))


def test_a_peer_that_vanishes_ends_the_wait(server):
    with peer_that_never_reads(server, "/flood?vanished"):
        until(lambda: server.state("vanished")["is_waiting"])

    until(lambda: server.state("vanished")["is_over"])


def test_an_answer_waits_for_whoever_reads_it_late(server):
    """The server has begun to wait when it has sent the same for a while, and not all."""
    with httpx.stream("GET", f"{server.url}/pours?patient", timeout=PATIENCE_SECONDS) as answer:
        until(lambda: server.state("patient")["is_waiting"] and server.state("patient")["sent"])
        time.sleep(0.5)
        assert server.state("patient")["sent"] < FLOOD_FRAMES / 2

        assert sum(map(len, answer.iter_bytes())) == FLOOD_FRAMES * len(FLOOD_FRAME)
    until(lambda: server.state("patient")["is_over"])


def test_a_connection_that_was_poured_into_is_good_for_the_next_request(server):
    with httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS) as peer:
        lengths = [len(peer.get(f"/pours?again{number}").content) for number in range(2)]

        assert lengths == [FLOOD_FRAMES * len(FLOOD_FRAME)] * 2
        assert peer.get("/?again1").json()["is_over"]


def test_whoever_goes_away_ends_the_answer(server):
    with httpx.stream("GET", f"{server.url}/pours?gone", timeout=PATIENCE_SECONDS):
        until(lambda: server.state("gone")["sent"])

    until(lambda: server.state("gone")["is_over"])


async def test_whoever_takes_nothing_for_long_is_cut_off(monkeypatch):
    monkeypatch.setattr("chatflow.server.STALLED_SECONDS", 0.01)
    peer = Mock(tap=Tap())
    peer.tap.pauseProducing()

    await Server._until_taken(Mock(), peer)

    peer.transport.abortConnection.assert_called_once_with()


def test_a_peer_that_is_not_heard_cannot_fill_the_memory(server):
    frame = b"\x81\xfe\x80\x00\x00\x00\x00\x00" + b"x" * 0x8000
    sent = []

    with peer_that_never_reads(server, "/deaf") as peer, suppress(TimeoutError):
        peer.settimeout(1)
        while len(sent) < FLOOD_FRAMES:
            peer.sendall(frame)
            sent.append(frame)

    assert len(sent) < FLOOD_FRAMES
    assert server.get("/").status_code == 200


# The handshake


def test_its_headers_are_there_until_it_is_over_and_then_kept_by_nobody(server):
    with server.connect("/echo?handshake"):
        until(lambda: "headers_after" in server.state("handshake"))

    state = server.state("handshake")
    assert state["headers_before"] > 0
    assert state["headers_after"] == 0


# Close codes


def test_the_application_s_close_code_arrives(server):
    with server.connect("/ends?login") as peer:
        assert close_code(peer) == 4401

    until(lambda: server.state("login")["is_over"])


def test_a_refused_handshake_says_why_and_until_when(server):
    with pytest.raises(InvalidStatus) as refusal, server.connect("/refused"):
        pass

    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "7"


def test_the_largest_frame_passes(server):
    with server.connect("/echo") as peer:
        peer.send("x" * MAX_FRAME_BYTES)

        assert len(peer.recv(timeout=PATIENCE_SECONDS)) == MAX_FRAME_BYTES


@pytest.mark.parametrize("parts", [["x" * (MAX_FRAME_BYTES + 1)], ["x" * MAX_FRAME_BYTES, "x"]])
def test_a_larger_message_is_closed_with_1009_in_one_frame_or_more(server, parts):
    with server.connect("/echo") as peer:
        peer.send(parts)

        assert close_code(peer) == 1009


# Applications that fail


def test_a_response_that_fails_half_way_is_cut_off_and_the_next_one_too(server):
    for _ in range(2):
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            server.get("/fails")

    assert server.output().count("RuntimeError: half-way") == 2


@pytest.mark.parametrize("excess", [0, 1, 5_000_000])
def test_of_a_body_without_a_length_it_takes_in_what_is_accepted_and_no_more(server, excess):
    def chunks() -> Iterator[bytes]:
        yield from [b"x" * 64 * 1024] * (MOST_BODY_BYTES // (64 * 1024))
        yield b"x" * excess

    answer = httpx.post(f"{server.url}/measures", content=chunks(), timeout=PATIENCE_SECONDS)

    kept = MOST_BODY_BYTES + min(excess, 1)
    assert answer.json() == {"length": kept, "said": kept}


def test_a_body_that_says_its_length_is_measured_by_that(server):
    body = b"x" * (MOST_BODY_BYTES + 5_000_000)

    answer = httpx.post(f"{server.url}/measures", content=body, timeout=PATIENCE_SECONDS)

    assert answer.json() == {"length": MOST_BODY_BYTES + 1, "said": len(body)}


# The access log


def test_the_log_has_no_queries(server):
    server.get("/hello?token=secret")

    until(lambda: "GET /hello 200" in server.output())
    assert "secret" not in server.output()


# The end


@dataclass
class Ending:
    """What people saw of a server that was told to stop, and told its balancer so."""

    finished: httpx.Response
    close_codes: list[int]
    exit_code: int
    output: str


@pytest.fixture(scope="module")
def ending(tmp_path_factory) -> Ending:
    with (
        serving(tmp_path_factory.mktemp("ending")) as server,
        ThreadPoolExecutor() as people,
        ExitStack() as sockets,
    ):
        running = people.submit(server.get, "/waits?running")
        until(lambda: server.state("running")["is_waiting"])
        peers = [sockets.enter_context(server.connect("/echo")) for _ in range(20)]
        balancer = sockets.enter_context(httpx.Client(base_url=server.url))
        assert balancer.get("/").status_code == 200

        server.process.terminate()
        until(lambda: balancer.get("/").status_code == 503)
        until(lambda: not server.is_listening())
        assert not running.done()
        (server.data_dir / "finish").touch()

        return Ending(
            close_codes=[close_code(peer) for peer in peers],
            finished=running.result(timeout=PATIENCE_SECONDS),
            exit_code=server.exit_code(),
            output=server.output(),
        )


def test_a_running_request_is_finished_although_nobody_new_is_let_in(ending):
    assert ending.finished.json()["is_waiting"]
    assert ending.finished.headers["connection"] == "close"


def test_sockets_are_told_that_the_server_restarts(ending):
    assert ending.close_codes == [RESTARTING] * 20


def test_the_application_says_goodbye(ending):
    assert "goodbye" in ending.output


def test_the_end_is_a_success(ending):
    assert ending.exit_code == 0
    assert "cut off" not in ending.output


def test_what_does_not_end_is_cut_off(tmp_path):
    with (
        serving(tmp_path, shutdown_seconds=0.5) as server,
        ThreadPoolExecutor() as people,
        peer_that_never_reads(server, "/flood?slow"),
    ):
        stuck = people.submit(server.get, "/stuck")
        until(lambda: server.state("slow")["is_waiting"])
        server.process.terminate()

        assert server.exit_code() == 0
        assert isinstance(stuck.exception(timeout=PATIENCE_SECONDS), httpx.HTTPError)


def test_a_second_ctrl_c_ends_it_at_once(tmp_path):
    with serving(tmp_path) as server, server.connect("/deaf"):
        server.process.send_signal(signal.SIGINT)
        until(lambda: "stopping" in server.output())
        server.process.send_signal(signal.SIGINT)

        assert server.exit_code() == -signal.SIGINT


# The start


def test_a_taken_port_is_one_clear_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, port=port, starts=False) as server:
            assert server.exit_code() == 1

    assert server.output().splitlines() == [
        f"CommandError: Cannot listen on 127.0.0.1:{port}: Address already in use."
    ]


def test_a_data_directory_is_served_by_one_process_until_that_dies(tmp_path):
    with serving(tmp_path) as first, serving(tmp_path, starts=False) as second:
        assert second.exit_code() == 1

    assert f"process {first.process.pid}" in second.output()
    assert "DATA_DIR" in second.output()
    with serving(tmp_path) as third:
        assert (tmp_path / LOCK_NAME).read_text() == str(third.process.pid)
