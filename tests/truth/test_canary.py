"""A word that people wrote, sought in all that an instance leaves behind.

Titles, names and addresses are not encrypted, and say so; the title's word shows that the search
finds what is there.
"""

from __future__ import annotations

import base64
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.truth import servers
from tests.truth.people import PASSWORD
from tests.truth.phones import Phone
from tests.truth.servers import Server, Variables, find_program, until, wait_until

CANARY = "Zwitscherquark"
IN_CLEAR = "Gartenzinnober"  # the title of a group


class Monitor(threading.Thread):
    """Everything that anybody tells a Redis, word by word, until it ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.client = url, Redis.from_url(url)
        self.heard: list[bytes] = []

    def run(self) -> None:
        with suppress(RedisError), Redis.from_url(self.url).monitor() as monitor:
            while True:
                self.heard.append(monitor.connection.read_response(disable_decoding=True))

    def kept(self) -> list[bytes]:
        return [key + b" " + (self.client.dump(key) or b"") for key in self.client.scan_iter()]


def traces(word: str, haystack: bytes) -> list[str]:
    """How the word is in there: as it is, in any case, as hex, or at each offset of base64."""
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
    """A server's variables, with a Redis that can be listened to."""
    return on_either | {"REDIS_URL": redis.url}


async def test_what_people_wrote_is_nowhere(instance, redis, serve, people, tmp_path):
    monitor = Monitor(redis.url)
    monitor.start()
    wait_until(lambda: monitor.client.ping() and monitor.heard)
    server = serve(instance)
    alice, bob, carol = await people(server, "alice", "bob", "carol")
    group = await alice.start_group(bob, carol)
    await alice.ask("PATCH", f"/conversations/{group}", {"title": IN_CLEAR})
    path = f"/conversations/{group}/messages"

    async with Phone(bob) as phone:
        said = await alice.say(group, f"first {CANARY}")
        await alice.ask("PATCH", f"{path}/{said['id']}", {"body": f"better {CANARY}"})
        answer = await bob.ask("POST", path, {"body": f"re {CANARY}", "reply_to": said["id"]})
        await until(lambda: phone.has(answer))
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
    servers.manage(instance, "backup", str(tmp_path / "backup.zip"))
    places |= backup(tmp_path / "backup.zip", tmp_path) | dump(instance)
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
    """As alice's page does."""
    token = "c" * 32
    signed_in = httpx.post(
        f"http://{server.address}/login",
        data={"login": "alice", "password": PASSWORD},
        headers={"Cookie": f"csrftoken={token}", "X-CSRFToken": token},
    )
    session = signed_in.cookies["sessionid"]
    kept = httpx.post(
        f"http://{server.address}/chats/{group}/draft",
        data={"text": f"draft {CANARY}"},
        headers={"Cookie": f"csrftoken={token}; sessionid={session}", "X-CSRFToken": token},
    )
    assert kept.status_code == 204


async def complain(alice, path: str) -> None:
    """Requests that are refused, which is when careless servers log what they were sent."""
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
    answer = httpx.get(f"http://{server.address}/messages?q={CANARY}", headers=headers)
    return {hit["message"]["body"] for hit in answer.json()["results"]}


def files(folder: Path) -> dict[str, bytes]:
    """Database, WAL and log, while the server runs: what one finds who takes the disk."""
    named = {path.name: path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in named.items() if path.suffix != ".zip"}


def backup(archive: Path, folder: Path) -> dict[str, bytes]:
    """The archive itself and what is in it, PostgreSQL's own format unpacked to SQL."""
    with ZipFile(archive) as file:
        inside = {f"backup: {name}": file.read(name) for name in file.namelist()}
        if "backup: database.dump" in inside:
            dumped = file.extract("database.dump", folder)
            inside["backup: database.dump"] = run("pg_restore", "--file=-", dumped)
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
