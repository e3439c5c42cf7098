"""Uploads of several people at once, and of a server that is killed meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx2

from tests.resilience.people import Person
from tests.resilience.servers import PROJECT, Variables, environment, until

UPLOADS = 10
LARGE = os.urandom(20_000_000)
LONG_AGO = 0  # seconds since 1970; a young file without a row may still be uploading


async def test_ten_uploads_at_once_are_all_stored(on_either, serve, people):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    contents = [os.urandom(1_000_000 + number) for number in range(UPLOADS)]

    answers = await asyncio.gather(*(upload(alice, conversation, each) for each in contents))

    assert [answer.status_code for answer in answers] == [201] * UPLOADS
    message = {"body": "", "attachments": [answer.json()["id"] for answer in answers]}
    sent = await alice.ask("POST", f"/conversations/{conversation}/messages", message)
    downloaded = [await download(bob, each["url"]) for each in sent["attachments"]]
    assert list(map(hash_of, downloaded)) == list(map(hash_of, contents))


async def test_killed_server_keeps_finished_uploads_and_the_others_can_be_repeated(
    on_sqlite, serve, people, figure
):
    server = serve(on_sqlite)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    finished = [(await upload(alice, conversation, LARGE)).json() for _ in range(2)]
    folder = Path(on_sqlite["DATA_DIR"], "uploads/attachments")
    known = set(files_in(folder))
    cut_off = [asyncio.create_task(upload(alice, conversation, LARGE)) for _ in range(4)]
    await until(lambda: set(files_in(folder)) > known)
    server.kill()
    with suppress(httpx2.TransportError):
        await asyncio.gather(*cut_off)
    server.start()

    for attachment in finished:
        assert hash_of(await download(alice, attachment["url"])) == hash_of(LARGE)
    repeated = await upload(alice, conversation, LARGE)
    assert repeated.status_code == 201
    for path in files_in(folder):
        os.utime(path, (LONG_AGO, LONG_AGO))
    figure("files left behind", f"{len(check(on_sqlite, '--repair')) - 1}")
    assert check(on_sqlite) == ["Everything fits together."]
    assert hash_of(await download(alice, repeated.json()["url"])) == hash_of(LARGE)


async def upload(person: Person, conversation: str, content: bytes) -> httpx2.Response:
    return await person.http.post(
        f"http://{person.server.address}/conversations/{conversation}/attachments",
        headers=person.headers,
        files={"file": ("notes.bin", content)},
    )


async def download(person: Person, path: str) -> bytes:
    answer = await person.http.get(f"http://{person.server.address}{path}", headers=person.headers)
    assert answer.status_code == 200
    return answer.content


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def check(variables: Variables, *options: str) -> list[str]:
    """Return the lines that `manage.py check_attachments` prints."""
    checked = subprocess.run(
        [sys.executable, "manage.py", "check_attachments", *options],
        cwd=PROJECT,
        env=environment(variables),
        check=True,
        capture_output=True,
        text=True,
    )
    return checked.stdout.splitlines()
