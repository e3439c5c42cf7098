"""Search everything that an instance stores for a word that people wrote.

Titles, names and addresses are documented as not encrypted. A word in a title shows that the search
would find plain text.
"""

from __future__ import annotations

import base64
import subprocess
import tarfile
import threading
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.resilience import servers
from tests.resilience.live_clients import LiveClient
from tests.resilience.people import PASSWORD
from tests.resilience.servers import Server, Variables, find_program, until, wait_until

CANARY = "Zwitscherquark"
IN_CLEAR = "Gartenzinnober"  # the title of a group


class Monitor(threading.Thread):
    """Record every command that a Redis receives."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.client = url, Redis.from_url(url)
        self.heard: list[bytes] = []

    def run(self) -> None:
        with (
            suppress(RedisError),
            Redis.from_url(self.url, socket_timeout=None).monitor() as monitor,
        ):
            while True:
                self.heard.append(monitor.connection.read_response(disable_decoding=True))

    def kept(self) -> list[bytes]:
        return [key + b" " + (self.client.dump(key) or b"") for key in self.client.scan_iter()]


def traces(word: str, haystack: bytes) -> list[str]:
    """Return the encodings in which the word occurs: plain, hex, or base64 at any offset."""
    encoded = {
        "utf-8": word.lower().encode(),
        "utf-16": word.lower().encode("utf-16-le"),
        "hex": word.encode().hex().encode(),
        **{
            f"base64 {offset}": base64.b64encode(b"\0" * offset + word.encode())[4:-4]
            for offset in range(3)
        },
    }
    lower = haystack.lower()
    return [name for name, form in encoded.items() if form.lower() in lower]


@pytest.fixture
def instance(on_either: Variables, redis, tmp_path) -> Variables:
    """The variables of a server whose Redis can be monitored."""
    return on_either | {"REDIS_URL": redis.url}


async def test_message_text_is_stored_nowhere_in_plain(instance, redis, serve, people, tmp_path):
    monitor = Monitor(redis.url)
    monitor.start()
    wait_until(lambda: monitor.client.ping() and monitor.heard)
    server = serve(instance)
    alice, bob, carol = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    await alice.ask("PATCH", f"/conversations/{group}", {"title": IN_CLEAR})
    path = f"/conversations/{group}/messages"

    async with LiveClient(bob) as client:
        said = await alice.say(group, f"first {CANARY}")
        await alice.ask("PATCH", f"{path}/{said['id']}", {"body": f"better {CANARY}"})
        answer = await bob.ask("POST", path, {"body": f"re {CANARY}", "reply_to": said["id"]})
        await until(lambda: client.has(answer))
        gone = await alice.say(group, f"gone {CANARY}")
        await alice.ask("DELETE", f"{path}/{gone['id']}")
        leave_a_draft(server, group)
        await complain(alice, path)

    bodies = [message["body"] for message in await bob.history(group)]
    assert f"better {CANARY}" in bodies
    assert f"re {CANARY}" in bodies
    found = find_by_search(server, alice.token)
    places = {
        "Redis, as it was told": b"\n".join(monitor.heard),
        "Redis, as it keeps it": b"\n".join(monitor.kept()),
        **files(Path(instance["DATA_DIR"])),
    }
    servers.manage(instance, "backup", str(tmp_path / "backup.tar.gz"))
    places |= backup(tmp_path / "backup.tar.gz", tmp_path) | dump(instance)
    server.stop()
    places |= {f"{name}, afterwards": text for name, text in files(server.log.parent).items()}

    assert {
        name: traces(CANARY, text) for name, text in places.items() if traces(CANARY, text)
    } == {}
    assert found == {f"better {CANARY}", f"re {CANARY}"}
    # The same search finds what is in clear, so all of these were really looked into.
    for name in where_titles_are(instance):
        assert traces(IN_CLEAR, places[name]), name
    assert group.encode() in places["Redis, as it was told"]
    assert path.encode() in places[server.log.name]


def leave_a_draft(server: Server, group: str) -> None:
    """Save a draft as alice's page does."""
    token = "c" * 32
    signed_in = httpx2.post(
        f"http://{server.address}/login",
        data={"login": "alice", "password": PASSWORD},
        headers={"Cookie": f"csrftoken={token}", "X-CSRFToken": token},
    )
    session = signed_in.cookies["sessionid"]
    kept = httpx2.post(
        f"http://{server.address}/chats/{group}/draft",
        data={"text": f"draft {CANARY}"},
        headers={"Cookie": f"csrftoken={token}; sessionid={session}", "X-CSRFToken": token},
    )
    assert kept.status_code == 204


async def complain(alice, path: str) -> None:
    """Send invalid requests, because servers often log the body of those."""
    refused = [
        ("POST", path, {"content": f'{{"body": "{CANARY}'}),
        ("POST", path, {"json": {"body": CANARY * 500}}),
        ("POST", path, {"json": {"body": CANARY, "reply_to": CANARY}}),
        ("GET", f"{path}?before={CANARY}", {}),
        ("POST", "/auth/login", {"json": {"login": CANARY, "password": CANARY}}),
        ("GET", f"/users?search={CANARY}", {}),
    ]
    for method, where, how in refused:
        headers = alice.headers | {"Content-Type": "application/json"}
        url = f"http://{alice.server.address}{where}"
        answer = await alice.http.request(method, url, headers=headers, **how)
        assert answer.status_code in (200, 400, 401)


def find_by_search(server: Server, token: str) -> set[str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"http://{server.address}/messages?q={CANARY}", headers=headers)
    return {hit["message"]["body"] for hit in answer.json()["results"]}


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files: database, write-ahead log and logs."""
    named = {path.name: path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in named.items() if path.suffix != ".gz"}


def backup(archive: Path, folder: Path) -> dict[str, bytes]:
    """Return the archive and its members, with a PostgreSQL dump converted to SQL."""
    with tarfile.open(archive) as file:
        inside = {f"backup: {member.name}": file.extractfile(member).read() for member in file}
    if dumped := inside.get("backup: database.dump"):
        (folder / "database.dump").write_bytes(dumped)
        inside["backup: database.dump"] = run(
            "pg_restore", "--file=-", str(folder / "database.dump")
        )
    return inside | {"backup": archive.read_bytes()}


def dump(instance: Variables) -> dict[str, bytes]:
    if not (url := instance.get("DATABASE_URL")):
        return {}
    return {"pg_dump": run("pg_dump", f"--dbname={url}", "--inserts")}


def run(tool: str, *arguments: str) -> bytes:
    return subprocess.run([find_program(tool), *arguments], check=True, capture_output=True).stdout


def where_titles_are(instance: Variables) -> list[str]:
    if instance.get("DATABASE_URL"):
        return ["backup: database.dump", "pg_dump"]
    return ["chatflow.sqlite3-wal", "chatflow.sqlite3, afterwards", "backup: database.sqlite3"]
