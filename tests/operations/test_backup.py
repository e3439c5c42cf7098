"""A backup while people write, restored elsewhere, and archives that must be refused."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts.models import User
from chatflow import single
from chatflow.backups.archive import MANIFEST
from chatflow.backups.engines import engine_here
from chatflow.environment import new_message_key
from conversations.access import find_membership
from conversations.services import start_group
from messaging.services import send_message
from tests.operations.instances import Instance, another_instance

WRITERS = 50
GROUPS = 5
PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def _directories(settings, tmp_path) -> None:
    """DATA_DIR of this process; the archive lies beside it."""
    settings.DATA_DIR = tmp_path / "here"
    settings.DATA_DIR.mkdir()
    settings.MEDIA_ROOT = settings.DATA_DIR / "uploads"


@pytest.fixture
def elsewhere(db, tmp_path) -> Iterator[Instance]:
    with another_instance(tmp_path / "elsewhere") as instance:
        yield instance


@pytest.fixture
def archive(tmp_path) -> Path:
    return tmp_path / "chatflow.zip"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


# --- while people write --------------------------------------------------------------------------


class Writers:
    """Fifty people who write and write; what each was told is sent, they remember."""

    def __init__(self, usernames: list[str], groups: list[object]) -> None:
        self.acknowledged: list[list[tuple[str, str]]] = [[] for _ in usernames]
        self.problems: list[Exception] = []
        self.done = threading.Event()
        self.threads = [
            threading.Thread(target=self.write, args=(number, username, groups[number % GROUPS]))
            for number, username in enumerate(usernames)
        ]

    def write(self, number: int, username: str, group: object) -> None:
        user = User.objects.get(username=username)
        try:
            while not self.done.is_set():
                body = f"{username} says {len(self.acknowledged[number])}"
                right = find_membership(user, group.id)
                message, _is_new = send_message(membership=right, body=body)
                connections.close_all()  # as at the end of a request
                self.acknowledged[number].append((str(message.id), body))
        except Exception as problem:
            self.problems.append(problem)
        finally:
            connections.close_all()

    def so_far(self) -> dict[str, str]:
        return dict(pair for said in self.acknowledged for pair in list(said))

    def until_each_said(self, more: int) -> None:
        goals = [len(said) + more for said in self.acknowledged]
        until(
            lambda: (
                self.problems
                or all(
                    len(said) >= goal for said, goal in zip(self.acknowledged, goals, strict=True)
                )
            )
        )
        assert self.problems == []


@contextmanager
def writing(usernames: list[str], groups: list[object]) -> Iterator[Writers]:
    writers = Writers(usernames, groups)
    for thread in writers.threads:
        thread.start()
    try:
        yield writers
    finally:
        writers.done.set()
        for thread in writers.threads:
            thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_backup_has_all_that_was_acknowledged_before_it_while_fifty_people_write(
    crowd, archive, elsewhere
):
    names = crowd(WRITERS)
    owner = User.objects.get(username=names[0])
    groups = [start_group(user=owner, title="Many", usernames=names[1:]) for _ in range(GROUPS)]

    with writing(names, groups) as writers:
        writers.until_each_said(2)
        acknowledged = writers.so_far()
        call_command("backup", str(archive))
        writers.until_each_said(1)
    restored = elsewhere.manage("restore", str(archive))

    assert restored.returncode == 0, restored.stderr
    history = elsewhere.history()
    stored = {name: body for said in history.values() for _seq, name, body in said}
    assert acknowledged.items() <= stored.items()
    assert writers.so_far().keys() - stored.keys(), "nobody wrote any more"
    for said in history.values():
        assert [seq for seq, _name, _body in said] == list(range(1, len(said) + 1))


# --- what is in it -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_uploads_are_restored_with_what_people_wrote(alice, direct, say, archive, elsewhere):
    name = default_storage.save("avatars/alice.webp", ContentFile(b"her face"))
    say(alice, direct, "hello")

    call_command("backup", str(archive))
    elsewhere.manage("restore", str(archive)).check_returncode()

    upload = elsewhere.data_dir / "uploads" / name
    assert upload.read_bytes() == b"her face"
    assert stat.S_IMODE(upload.stat().st_mode) == 0o600
    assert stat.S_IMODE(upload.parent.stat().st_mode) == 0o700
    assert [body for *_place, body in elsewhere.history()[str(direct.id)]] == ["hello"]


@pytest.mark.django_db(transaction=True)
def test_an_archive_is_readable_by_its_owner_alone_and_has_no_keys(settings, direct, archive):
    call_command("backup", str(archive))

    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert list(archive.parent.glob("*.partial")) == []
    with ZipFile(archive) as opened:
        assert set(opened.namelist()) == {engine_here().FILE_NAME, MANIFEST}
        everything = b"".join(opened.read(name) for name in opened.namelist())
    assert settings.SECRET_KEY.encode() not in everything
    assert not [key for key in settings.MESSAGE_KEYS if key.encode() in everything]


@pytest.mark.django_db(transaction=True)
def test_an_archive_goes_through_standard_input_and_output(direct, archive, elsewhere, tmp_path):
    call_command("backup", str(archive))
    again = tmp_path / "again.zip"

    with archive.open("rb") as file:
        elsewhere.manage("restore", "-", stdin=file).check_returncode()
    with again.open("wb") as file:
        told = elsewhere.manage("backup", "-", stdout=file).stderr

    assert "Not in it, on purpose: MESSAGE_KEYS" in told
    assert manifest_of(again)["keys"] == manifest_of(archive)["keys"] != {}


@pytest.mark.django_db(transaction=True)
def test_a_backup_never_replaces_a_file(direct, archive):
    archive.write_text("last year's")

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(archive))

    assert archive.read_text() == "last year's"


@pytest.mark.django_db(transaction=True)
def test_a_backup_among_the_uploads_is_refused(settings):
    with pytest.raises(CommandError, match="among the uploads"):
        call_command("backup", str(settings.MEDIA_ROOT / "chatflow.zip"))


# --- what is refused -----------------------------------------------------------------------------


@pytest.fixture
def backed_up(transactional_db, alice, direct, say, archive) -> Path:
    """The archive of an instance in which alice has said something, and which has lost it all."""
    say(alice, direct, "hello")
    call_command("backup", str(archive))
    call_command("flush", interactive=False)
    return archive


def manifest_of(archive: Path) -> dict[str, object]:
    with ZipFile(archive) as opened:
        return json.loads(opened.read(MANIFEST))


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """What somebody makes of an archive who can open it."""
    with ZipFile(archive) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    change(members)
    with ZipFile(archive, "w") as changed:
        for name, content in members.items():
            changed.writestr(name, content)


def manifest_with(**told: object) -> Callable[[dict[str, bytes]], object]:
    return lambda members: members.update(
        {MANIFEST: json.dumps(json.loads(members[MANIFEST]) | told).encode()}
    )


def with_member(name: str) -> Callable[[dict[str, bytes]], object]:
    return lambda members: members.update({name: b"evil"})


def require_refused(archive: Path, reason: str) -> None:
    """In one line, and as if nobody had tried."""
    before = files_beside(archive)

    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(archive))

    assert reason in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert files_beside(archive) == before
    assert not User.objects.exists()


def files_beside(archive: Path) -> set[Path]:
    return {path for path in archive.parent.rglob("*") if path.name != single.LOCK_NAME}


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_an_archive_that_was_cut_off_is_refused(backed_up, part):
    whole = backed_up.read_bytes()
    backed_up.write_bytes(whole[: int(len(whole) * part)])

    require_refused(backed_up, "damaged or not whole")


def test_an_archive_with_a_rotten_byte_is_refused(backed_up):
    with ZipFile(backed_up) as opened:
        member = opened.getinfo(engine_here().FILE_NAME)
    content = bytearray(backed_up.read_bytes())
    content[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 0xFF
    backed_up.write_bytes(content)

    require_refused(backed_up, "damaged or not whole")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "uploads/../../evil", "uploads//evil", "uploads/..\\evil", "evil.py"],
)
def test_an_archive_that_reaches_elsewhere_is_refused(backed_up, name):
    rewritten(backed_up, with_member(name))

    require_refused(backed_up, f"not a backup that ChatFlow made: {name}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda members: members.pop(MANIFEST), "no good manifest"),
        (lambda members: members.update({MANIFEST: b"[[["}), "no good manifest"),
        (manifest_with(format=2), "newer ChatFlow"),
        (manifest_with(surprise=1), "no good manifest"),
        (manifest_with(keys=[]), "makes no sense"),
        (manifest_with(migrations=["accounts.9999_from_the_future"]), "9999_from_the_future"),
        (lambda members: members.pop(engine_here().FILE_NAME), "not what is here"),
        (lambda members: members.update({engine_here().FILE_NAME: b"no database"}), ""),
    ],
)
def test_an_archive_that_is_not_ours_is_refused(backed_up, change, reason):
    rewritten(backed_up, change)

    require_refused(backed_up, reason)


def test_a_file_that_is_not_there_is_told_in_one_line(backed_up):
    backed_up.unlink()

    require_refused(backed_up, "No such file")


def test_a_backup_whose_key_is_not_here_is_refused_by_the_key_s_name(backed_up, settings):
    (name,) = manifest_of(backed_up)["keys"]
    settings.MESSAGE_KEYS = (new_message_key(),)

    require_refused(backed_up, f"{name} (for 1)")


def test_a_key_that_came_first_then_may_come_last_now(backed_up, settings, tmp_path):
    keys = ",".join([new_message_key(), *settings.MESSAGE_KEYS])

    with another_instance(tmp_path / "elsewhere", MESSAGE_KEYS=keys) as elsewhere:
        elsewhere.manage("restore", str(backed_up)).check_returncode()

        assert elsewhere.history()


def test_an_instance_without_people_is_restored_into_and_one_with_them_never(backed_up, elsewhere):
    elsewhere.manage("migrate", "-v0").check_returncode()
    elsewhere.manage("restore", str(backed_up)).check_returncode()
    restored = elsewhere.history()

    again = elsewhere.manage("restore", str(backed_up))

    assert restored
    assert again.returncode != 0
    assert "There are people here already" in again.stderr
    assert elsewhere.history() == restored


# --- PostgreSQL's tools --------------------------------------------------------------------------


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_missing_pg_dump_is_told_in_one_line(archive, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(CommandError, match="pg_dump is not installed"):
        call_command("backup", str(archive))


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_a_pg_dump_of_another_version_is_told_in_one_line(archive, monkeypatch, tmp_path):
    tool = tmp_path / "pg_dump"
    tool.write_text(
        "#!/bin/sh\n"
        "echo 'pg_dump: error: aborting because of server version mismatch' >&2\n"
        "echo 'pg_dump: detail: server version: 17.2; pg_dump version: 15.9' >&2\n"
        "exit 1\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(CommandError, match=r"mismatch .*17\.2; pg_dump version: 15\.9"):
        call_command("backup", str(archive))

    assert not archive.exists()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_this_run_is_on_postgresql():
    """The premise of the two above; the rest of this module runs on either engine."""
    assert connection.vendor == "postgresql"
