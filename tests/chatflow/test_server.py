"""A real server process with a small application, and clients that behave badly."""

from __future__ import annotations

import base64
import json
import os
import re
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
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from chatflow.limits.policy import FRAMES
from chatflow.live.sockets import FLOODING
from chatflow.server.daphne import MAX_FRAME_BYTES, RESTARTING
from chatflow.server.flow_control import MAX_UNREAD_FRAMES
from chatflow.server.instance_lock import LOCK_NAME
from tests.chatflow.tiny import (
    BODY_LIMITS,
    DATA_UPLOAD_MAX_MEMORY_SIZE,
    FLOOD_FRAME,
    FLOOD_FRAMES,
)

PROJECT = Path(__file__).parents[2]
CLOSED_FOR_FLOODING = b"\x88\x02" + FLOODING.to_bytes(2, "big")
PATIENCE_SECONDS = 90  # generous, so that no test fails on a busy machine


class TinyServer:
    """A `manage.py serve` process with the settings and application of tests.chatflow.tiny."""

    def __init__(
        self, data_dir: Path, *, port: int, shutdown_seconds: float, hasty: bool = False
    ) -> None:
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
                "TINY_MODULE": "hasty" if hasty else "tiny",
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

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=PATIENCE_SECONDS)

    def state(self, socket: str) -> dict[str, int]:
        return self.get(f"/?{socket}").json()

    def connect(self, path: str, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, **options)

    def exit_code(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def serving(
    data_dir: Path,
    *,
    port: int = 0,
    shutdown_seconds: float = PATIENCE_SECONDS,
    starts: bool = True,
    hasty: bool = False,
) -> Iterator[TinyServer]:
    server = TinyServer(
        data_dir, port=port or free_port(), shutdown_seconds=shutdown_seconds, hasty=hasty
    )
    try:
        if starts:
            until(server.is_up)
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[TinyServer]:
    """One server for all tests that do not stop it."""
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition stayed false"
        time.sleep(0.02)


def close_code(peer: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        peer.recv(timeout=PATIENCE_SECONDS)
    assert closed.value.rcvd, "the connection was cut without a close frame"
    return closed.value.rcvd.code


@contextmanager
def peer_that_never_reads(server: TinyServer, path: str) -> Iterator[socket.socket]:
    """Open a socket with a small receive window and complete the WebSocket handshake."""
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


# Slow peers


def test_sender_waits_for_a_peer_that_does_not_read(server):
    with peer_that_never_reads(server, "/flood?slow"):
        until(lambda: server.state("slow")["is_waiting"])

        assert server.state("slow")["sent"] < FLOOD_FRAMES / 2


def test_slow_peer_does_not_delay_others(server):
    numbers = [str(number) for number in range(100)]

    with peer_that_never_reads(server, "/flood?lazy"), server.connect("/echo") as other:
        until(lambda: server.state("lazy")["is_waiting"])
        for number in numbers:
            other.send(number)

        assert [other.recv(timeout=PATIENCE_SECONDS) for _ in numbers] == numbers
        assert server.state("lazy")["is_waiting"]


def test_peer_that_reads_late_receives_all_frames(server):
    with server.connect("/flood?late") as peer:
        until(lambda: server.state("late")["is_waiting"])

        assert all(peer.recv(timeout=PATIENCE_SECONDS) == FLOOD_FRAME for _ in range(FLOOD_FRAMES))


def test_sender_stops_waiting_for_a_peer_that_vanished(server):
    with peer_that_never_reads(server, "/flood?vanished"):
        until(lambda: server.state("vanished")["is_waiting"])

    until(lambda: server.state("vanished")["is_over"])


def test_response_waits_for_a_client_that_reads_late(server):
    """The server waits if it has sent only a part after a while."""
    with httpx2.stream("GET", f"{server.url}/pours?patient", timeout=PATIENCE_SECONDS) as answer:
        until(lambda: server.state("patient")["is_waiting"] and server.state("patient")["sent"])
        time.sleep(0.5)
        assert server.state("patient")["sent"] < FLOOD_FRAMES / 2

        assert sum(map(len, answer.iter_bytes())) == FLOOD_FRAMES * len(FLOOD_FRAME)
    until(lambda: server.state("patient")["is_over"])


def test_connection_is_reused_after_a_long_response(server):
    with httpx2.Client(base_url=server.url, timeout=PATIENCE_SECONDS) as peer:
        lengths = [len(peer.get(f"/pours?again{number}").content) for number in range(2)]

        assert lengths == [FLOOD_FRAMES * len(FLOOD_FRAME)] * 2
        assert peer.get("/?again1").json()["is_over"]


def test_client_that_disconnects_ends_the_response(server):
    with httpx2.stream("GET", f"{server.url}/pours?gone", timeout=PATIENCE_SECONDS):
        until(lambda: server.state("gone")["sent"])

    until(lambda: server.state("gone")["is_over"])


def test_frames_that_the_application_does_not_read_are_not_buffered(server):
    frame = b"\x81\xfe\x80\x00\x00\x00\x00\x00" + b"x" * 0x8000
    sent = []

    with peer_that_never_reads(server, "/deaf") as peer, suppress(TimeoutError):
        peer.settimeout(1)
        while len(sent) < FLOOD_FRAMES:
            peer.sendall(frame)
            sent.append(frame)

    assert len(sent) < FLOOD_FRAMES
    assert server.get("/").status_code == 200


PING = b"\x89\xfd\x00\x00\x00\x00" + b"x" * 125
PONG = b"\x8a\x80\x00\x00\x00\x00"
PONG_OF_PING = b"\x8a\x7d"
FRAGMENT = b"\x00\x80\x00\x00\x00\x00"
FIRST_FRAGMENT = b"\x01\x80\x00\x00\x00\x00"


@pytest.mark.parametrize("frames", [[PING], [PONG], [FIRST_FRAGMENT, FRAGMENT]])
def test_flood_of_control_frames_closes_the_socket(server, frames):
    first, rest = frames[0], frames[-1]
    flood = first + rest * (FRAMES.at_once + 100)

    with peer_that_never_reads(server, "/deaf?flooded") as peer:
        peer.settimeout(PATIENCE_SECONDS)
        peer.sendall(flood)

        received = b""
        while CLOSED_FOR_FLOODING not in received:
            received += (chunk := peer.recv(64 * 1024))
            assert chunk, "the connection was cut without a close frame"
        peer.sendall(b"\x88\x80\x00\x00\x00\x00")


def test_no_pongs_are_buffered_for_a_peer_that_reads_nothing(server):
    with peer_that_never_reads(server, "/flood?pinging") as peer:
        until(lambda: server.state("pinging")["is_waiting"])
        peer.sendall(PING * 400)
        for _ in range(2):  # the server, which does one thing at a time, has read the pings then
            server.get("/")
        peer.settimeout(PATIENCE_SECONDS)
        received = b""
        while len(received) < 20 * len(FLOOD_FRAME):  # a pong would wait behind few frames
            received += peer.recv(1024 * 1024)

    assert received.count(PONG_OF_PING) < 400


def test_messages_wait_for_the_application_without_loss(server):
    numbers = [str(number) for number in range(MAX_UNREAD_FRAMES * 5)]

    with server.connect("/echo") as peer:
        for number in numbers:
            peer.send(number)

        assert [peer.recv(timeout=PATIENCE_SECONDS) for _ in numbers] == numbers


# The handshake


HANDSHAKE = (
    b"GET /echo?hostile HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"X-Nothing: special", 101),
        (b"Sec-WebSocket-Protocol: chatflow.v1, \xff", 400),
        (b"Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: \xc3\xa9", 400),
        (b"Sec-WebSocket-Protocol: a, a", 400),
        (b"Sec-WebSocket-Key: twice", 400),
        (b"Sec-WebSocket-Extensions: ;;;=,,\xff", 101),
        (b"Origin: null", 101),
        (b"Origin: file://", 101),
        (b"Origin: \xff", 400),
        (b"Origin: null\r\nOrigin: null", 400),
        (b"Cookie: \xff;;==", 101),
        (b"Authorization: \xff", 101),
        (b"Daphne-Root-Path: /elsewhere", 101),
    ],
)
def test_hostile_handshake_causes_no_server_error(server, header, status):
    logged = len(server.output())
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.settimeout(PATIENCE_SECONDS)
        peer.sendall(HANDSHAKE + header + b"\r\n\r\n")
        answer = peer.recv(1024)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert server.get("/").status_code == 200
    assert "Traceback" not in server.output()[logged:]


def test_client_cannot_choose_the_root_path_of_a_socket(server):
    with server.connect("/echo?rooted", additional_headers={"Daphne-Root-Path": "/elsewhere"}):
        until(lambda: "headers_after" in server.state("rooted"))

    assert server.state("rooted")["root_path"] == ""


def test_handshake_headers_are_released_once_the_socket_is_open(server):
    with server.connect("/echo?handshake"):
        until(lambda: "headers_after" in server.state("handshake"))

    state = server.state("handshake")
    assert state["headers_before"] > 0
    assert state["headers_after"] == 0


# Close codes


def test_close_code_of_the_application_reaches_the_client(server):
    with server.connect("/ends?login") as peer:
        assert close_code(peer) == 4401

    until(lambda: server.state("login")["is_over"])


def test_refused_handshake_has_a_status_and_retry_after(server):
    with pytest.raises(InvalidStatus) as refusal, server.connect("/refused"):
        pass

    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "7"


def test_largest_frame_is_accepted(server):
    with server.connect("/echo") as peer:
        peer.send("x" * MAX_FRAME_BYTES)

        assert len(peer.recv(timeout=PATIENCE_SECONDS)) == MAX_FRAME_BYTES


@pytest.mark.parametrize("parts", [["x" * (MAX_FRAME_BYTES + 1)], ["x" * MAX_FRAME_BYTES, "x"]])
def test_message_over_the_limit_closes_the_socket_with_1009(server, parts):
    with server.connect("/echo") as peer:
        with suppress(ConnectionClosed):  # it may be closed before the rest is sent
            peer.send(parts)

        assert close_code(peer) == 1009


def test_server_sends_frames_larger_than_it_accepts(server):
    lengths = [MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 3_000_000, 5]

    with server.connect("/repeats", max_size=None) as peer:
        for length in lengths:
            peer.send(str(length))

        assert [len(peer.recv(timeout=PATIENCE_SECONDS)) for _ in lengths] == lengths


# Applications that fail


def test_each_response_that_fails_half_way_is_cut_off(server):
    for _ in range(2):
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            server.get("/fails")

    assert server.output().count("RuntimeError: half-way") == 2


# Bodies

LIMITS = {"/measures": DATA_UPLOAD_MAX_MEMORY_SIZE, "/measures/file": BODY_LIMITS[0][1]}
each_path = pytest.mark.parametrize("path", LIMITS)


@each_path
@pytest.mark.parametrize("excess", [0, 1, 5_000_000])
def test_chunked_body_is_stored_up_to_the_limit_of_its_path(server, path, excess):
    def chunks() -> Iterator[bytes]:
        yield from [b"x" * 64 * 1024] * (LIMITS[path] // (64 * 1024))
        yield b"x" * excess

    answer = httpx2.post(f"{server.url}{path}", content=chunks(), timeout=PATIENCE_SECONDS)

    kept = LIMITS[path] + min(excess, 1)
    assert answer.json() == {"length": kept, "said": kept}


@each_path
def test_body_with_a_too_large_content_length_is_not_stored(server, path):
    body = b"x" * (LIMITS[path] + 5_000_000)

    answer = httpx2.post(f"{server.url}{path}?a=b", content=body, timeout=PATIENCE_SECONDS)

    assert answer.json() == {"length": 0, "said": len(body)}
    assert answer.headers["connection"] == "close"


def test_body_with_a_too_large_content_length_is_answered_before_it_is_sent(server):
    head = f"POST /measures HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**12}\r\n\r\n"

    with connected(server) as peer:
        peer.sendall(head.encode())

        assert everything_from(peer).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"there is no boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: multipart/mixed\r\n\r\n" * 999),
        ("application/x-www-form-urlencoded", b";" * 1000),
    ],
)
def test_forms_are_left_to_the_application(server, content_type, body):
    answer = httpx2.post(
        f"{server.url}/measures", content=body, headers={"Content-Type": content_type}
    )

    assert answer.json() == {"length": len(body), "said": len(body)}


def test_body_in_tiny_chunks_is_refused(server):
    with connected(server) as peer:
        peer.sendall(b"POST /measures HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.sendall(b"1\r\nx\r\n" * 5000)

        assert everything_from(peer).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "request_head",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
    ],
)
def test_malformed_request_is_answered_with_a_problem(server, request_head):
    with connected(server) as peer:
        peer.sendall(request_head)
        peer.shutdown(socket.SHUT_WR)
        answer = everything_from(peer)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["status"] == 400


def test_client_cannot_choose_the_prefix_of_urls(server):
    answer = httpx2.get(f"{server.url}/scope", headers={"Daphne-Root-Path": "//evil.example"})

    assert answer.json() == {"root_path": ""}


# Deadlines


@pytest.fixture(scope="module")
def hasty(tmp_path_factory) -> Iterator[TinyServer]:
    """A server with short deadlines and a low limit of connections for each address."""
    with serving(tmp_path_factory.mktemp("hasty"), hasty=True) as server:
        yield server


@pytest.mark.parametrize(
    "dripped",
    [
        b"GET /" + b"x" * 1000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Header: " + b"x" * 1000,
        b"POST /measures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + b"x" * 900,
        b"POST /measures HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"1\r\nx\r\n" * 100,
        b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nX-Header: " + b"x" * 1000,
    ],
)
def test_peer_that_sends_a_request_byte_by_byte_is_cut_off(hasty, dripped):
    with connected(hasty) as peer, pytest.raises(ConnectionError):
        drip(peer, dripped)


def drip(peer: socket.socket, dripped: bytes) -> None:
    for position in range(len(dripped)):
        peer.sendall(dripped[position : position + 1])
        time.sleep(0.05)


def test_peer_that_reads_a_response_too_slowly_is_cut_off(hasty):
    received = 0
    with connected(hasty, receive_buffer=4096) as peer, suppress(ConnectionError):
        peer.sendall(b"GET /pours?sipped HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while piece := peer.recv(1000):
            received += len(piece)
            time.sleep(0.05)

    assert received < FLOOD_FRAMES * len(FLOOD_FRAME)


def test_connection_that_waits_for_a_request_is_kept(hasty):
    with httpx2.Client(base_url=hasty.url, timeout=PATIENCE_SECONDS) as client:
        client.get("/")
        time.sleep(5)

        assert client.get("/").status_code == 200


def test_one_address_cannot_open_all_connections(hasty):
    peers = []
    with ExitStack() as open_peers:
        for _ in range(10):
            with suppress(ConnectionResetError):  # refused before the connection was reported
                peers.append(open_peers.enter_context(connected(hasty)))
        until(lambda: len(peers) < 10 or any(has_ended(peer) for peer in peers))
        assert not has_ended(peers[0])

    until(lambda: answers(hasty))


def answers(server: TinyServer) -> bool:
    with suppress(httpx2.HTTPError):
        return server.get("/").status_code == 200
    return False


def has_ended(peer: socket.socket) -> bool:
    peer.settimeout(0.3)
    try:
        return peer.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_pipelined_requests_wait_until_their_responses_are_read(server):
    requests = b"GET /large?pipelined HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200
    with connected(server, receive_buffer=4096) as peer:
        peer.sendall(requests)
        until(lambda: server.state("pipelined")["sent"])
        time.sleep(1)

        assert server.state("pipelined")["sent"] < 50


def test_process_raises_its_limit_of_open_files(server):
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()

    (soft, hard) = re.search(r"Max open files\s+(\w+)\s+(\w+)", limits).groups()
    assert soft == hard


@contextmanager
def connected(server: TinyServer, *, receive_buffer: int = 0) -> Iterator[socket.socket]:
    with socket.socket() as peer:
        if receive_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.settimeout(PATIENCE_SECONDS)
        peer.connect(("127.0.0.1", server.port))
        yield peer


def everything_from(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(65536), b""))


# The access log


def test_access_log_contains_no_query_strings(server):
    server.get("/hello?token=secret")

    until(lambda: "GET /hello 200" in server.output())
    assert "secret" not in server.output()


# Shutdown


@dataclass
class Ending:
    """What clients observed of a server that was told to stop."""

    finished: httpx2.Response
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
        balancer = sockets.enter_context(httpx2.Client(base_url=server.url))
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


def test_running_request_finishes_while_new_connections_are_refused(ending):
    assert ending.finished.json()["is_waiting"]
    assert ending.finished.headers["connection"] == "close"


def test_sockets_are_closed_with_the_code_for_a_restart(ending):
    assert ending.close_codes == [RESTARTING] * 20


def test_orderly_shutdown_exits_with_success(ending):
    assert ending.exit_code == 0
    assert "cut off" not in ending.output


def test_request_that_does_not_finish_is_cut_off(tmp_path):
    with (
        serving(tmp_path, shutdown_seconds=0.5) as server,
        ThreadPoolExecutor() as people,
        peer_that_never_reads(server, "/flood?slow"),
    ):
        stuck = people.submit(server.get, "/stuck")
        until(lambda: server.state("slow")["is_waiting"])
        server.process.terminate()

        assert server.exit_code() == 0
        assert isinstance(stuck.exception(timeout=PATIENCE_SECONDS), httpx2.HTTPError)


def test_second_interrupt_ends_the_server_at_once(tmp_path):
    with serving(tmp_path) as server, server.connect("/deaf"):
        server.process.send_signal(signal.SIGINT)
        until(lambda: "stopping" in server.output())
        server.process.send_signal(signal.SIGINT)

        assert server.exit_code() == -signal.SIGINT


# Start


def test_port_in_use_is_reported_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, port=port, starts=False) as server:
            assert server.exit_code() == 1

    assert server.output().splitlines() == [
        f"CommandError: Cannot listen on 127.0.0.1:{port}: Address already in use."
    ]


def test_data_directory_is_served_by_one_process_at_a_time(tmp_path):
    with serving(tmp_path) as first, serving(tmp_path, starts=False) as second:
        assert second.exit_code() == 1

    assert f"process {first.process.pid}" in second.output()
    assert "DATA_DIR" in second.output()
    with serving(tmp_path) as third:
        assert (tmp_path / LOCK_NAME).read_text() == str(third.process.pid)
