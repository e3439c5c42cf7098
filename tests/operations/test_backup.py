"""Backups that are made while people write, restoring them, and archives that are refused."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, connections

from accounts.models import User
from chatflow.operations.backup import DATABASES, MANIFEST
from chatflow.secret_files import create_data_directory, new_message_key
from chatflow.server import instance_lock
from conversations.access import find_membership
from conversations.services import start_group
from messaging.services import send_message
from tests.operations.instances import Instance, another_instance
from tests.resilience.servers import PROJECT

WRITERS = 50
GROUPS = 5
TIMEOUT_SECONDS = 60


@pytest.fixture(autouse=True)
def _directories(settings, tmp_path) -> None:
    """Set DATA_DIR of this process; the archive lies beside it."""
    settings.DATA_DIR = tmp_path / "here"
    settings.DATA_DIR.mkdir()
    settings.MEDIA_ROOT = settings.DATA_DIR / "uploads"


@pytest.fixture
def elsewhere(db, tmp_path) -> Iterator[Instance]:
    with another_instance(tmp_path / "elsewhere") as instance:
        yield instance


@pytest.fixture
def archive(tmp_path) -> Path:
    return tmp_path / "chatflow.tar.gz"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


# While people write


class Writers:
    """Fifty people who write without pause and remember which messages were acknowledged."""

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
def test_backup_contains_every_message_acknowledged_before_it_began(crowd, archive, elsewhere):
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
    assert writers.so_far().keys() - stored.keys(), "nobody wrote during the backup"
    for said in history.values():
        assert [seq for seq, _name, _body in said] == list(range(1, len(said) + 1))


# Content


@pytest.mark.django_db(transaction=True)
def test_uploads_are_restored_with_the_messages(alice, direct, say, archive, elsewhere):
    name = default_storage.save("avatars/alice.webp", ContentFile(b"a picture"))
    say(alice, direct, "hello")

    call_command("backup", str(archive))
    elsewhere.manage("restore", str(archive)).check_returncode()

    upload = elsewhere.data_dir / "uploads" / name
    assert upload.read_bytes() == b"a picture"
    assert stat.S_IMODE(upload.stat().st_mode) == 0o600
    assert stat.S_IMODE(upload.parent.stat().st_mode) == 0o700
    assert [body for *_place, body in elsewhere.history()[str(direct.id)]] == ["hello"]


@pytest.mark.django_db(transaction=True)
def test_archive_is_readable_only_by_its_owner_and_contains_no_keys(settings, direct, archive):
    call_command("backup", str(archive))

    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert list(archive.parent.glob("*.partial")) == []
    members = members_of(archive)
    assert members.keys() == {DATABASES[connection.vendor], MANIFEST}
    everything = b"".join(members.values())
    assert settings.SECRET_KEY.encode() not in everything
    assert not [key for key in settings.MESSAGE_KEYS if key.encode() in everything]


@pytest.mark.django_db(transaction=True)
def test_archive_can_be_piped_through_standard_streams(direct, archive, elsewhere, tmp_path):
    call_command("backup", str(archive))
    again = tmp_path / "again.tar.gz"

    with archive.open("rb") as file:
        elsewhere.manage("restore", "-", stdin=file).check_returncode()
    with again.open("wb") as file:
        told = elsewhere.manage("backup", "-", stdout=file).stderr

    assert "MESSAGE_KEYS and SECRET_KEY are deliberately not included" in told
    assert manifest_of(again)["keys"] == manifest_of(archive)["keys"] != {}


@pytest.mark.django_db(transaction=True)
def test_backup_never_replaces_a_file(direct, archive):
    archive.write_text("last year's")

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(archive))

    assert archive.read_text() == "last year's"


@pytest.mark.django_db(transaction=True)
def test_backup_does_not_touch_files_or_links_beside_it(direct, archive, tmp_path):
    """Another user of the machine may have created them."""
    draft, victim = archive.with_name(f"{archive.name}.partial"), tmp_path / "victim"
    victim.write_text("precious")
    draft.symlink_to(victim)

    call_command("backup", str(archive))

    assert victim.read_text() == "precious"
    assert draft.is_symlink()
    assert not archive.is_symlink()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


@pytest.mark.django_db(transaction=True)
def test_backup_does_not_follow_links(direct, archive, tmp_path):
    archive.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", str(archive))

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.django_db(transaction=True)
def test_backup_into_the_uploads_directory_is_refused(settings):
    with pytest.raises(CommandError, match="among the uploads"):
        call_command("backup", str(settings.MEDIA_ROOT / "chatflow.tar.gz"))


# Refused archives


@pytest.fixture
def backed_up(transactional_db, alice, direct, say, archive) -> Path:
    """The archive of an instance that had one message and is empty now."""
    say(alice, direct, "hello")
    call_command("backup", str(archive))
    call_command("flush", interactive=False)
    return archive


def members_of(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {member.name: opened.extractfile(member).read() for member in opened}


def manifest_of(archive: Path) -> dict[str, object]:
    return json.loads(members_of(archive)[MANIFEST])


def rewrite(archive: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Change an archive as somebody could who can open it."""
    members = members_of(archive)
    change(members)
    with tarfile.open(archive, "w:gz") as changed:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            changed.addfile(member, io.BytesIO(content))


def add_link(archive: Path, kind: bytes, name: str, target: Path) -> None:
    """Add a link to an archive, which none that ChatFlow makes has."""
    members = members_of(archive)
    with tarfile.open(archive, "w:gz") as changed:
        for existing, content in members.items():
            member = tarfile.TarInfo(existing)
            member.size = len(content)
            changed.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, str(target)
        changed.addfile(link)


def manifest_with(**told: object) -> Callable[[dict[str, bytes]], object]:
    return lambda members: members.update(
        {MANIFEST: json.dumps(json.loads(members[MANIFEST]) | told).encode()}
    )


def with_member(name: str) -> Callable[[dict[str, bytes]], object]:
    return lambda members: members.update({name: b"evil"})


def require_refused(archive: Path, reason: str) -> None:
    """Assert that the restore fails with one line and leaves no trace."""
    before = files_beside(archive)

    with pytest.raises(CommandError) as refusal:
        call_command("restore", str(archive))

    assert reason in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert files_beside(archive) == before
    assert not User.objects.exists()


def files_beside(archive: Path) -> set[Path]:
    return {path for path in archive.parent.rglob("*") if path.name != instance_lock.LOCK_NAME}


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_truncated_archive_is_refused(backed_up, part):
    whole = backed_up.read_bytes()
    backed_up.write_bytes(whole[: int(len(whole) * part)])

    require_refused(backed_up, "damaged or incomplete")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_archive_with_a_changed_byte_is_refused(backed_up, part):
    content = bytearray(backed_up.read_bytes())
    content[int(len(content) * part)] ^= 0xFF
    backed_up.write_bytes(content)

    require_refused(backed_up, "damaged or incomplete")


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "uploads/../../evil", "uploads//evil", "uploads/./evil", "evil.py"],
)
def test_archive_with_an_unexpected_path_is_refused(backed_up, name):
    rewrite(backed_up, with_member(name))

    require_refused(backed_up, f"not a backup that ChatFlow made: it has {name!r}")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("name", ["uploads/link", "database.dump"])
def test_archive_with_a_link_is_refused(backed_up, tmp_path, kind, name):
    add_link(backed_up, kind, name, tmp_path / "victim")

    require_refused(backed_up, f"not a backup that ChatFlow made: it has {name!r}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda members: members.pop(MANIFEST), "missing or invalid"),
        (lambda members: members.update({MANIFEST: b"[[["}), "missing or invalid"),
        (manifest_with(surprise=1), "missing or invalid"),
        (manifest_with(keys=[]), "missing or invalid"),
        (manifest_with(migrations=["accounts.9999_from_the_future"]), "9999_from_the_future"),
        (lambda members: members.pop(DATABASES[connection.vendor]), "but this instance is on"),
        (lambda members: members.update({DATABASES[connection.vendor]: b"no database"}), ""),
    ],
)
def test_archive_with_unexpected_content_is_refused(backed_up, change, reason):
    rewrite(backed_up, change)

    require_refused(backed_up, reason)


def test_missing_file_is_reported_in_one_line(backed_up):
    backed_up.unlink()

    require_refused(backed_up, "No such file")


def test_backup_that_needs_a_missing_key_is_refused_with_its_fingerprint(backed_up, settings):
    (name,) = manifest_of(backed_up)["keys"]
    settings.MESSAGE_KEYS = (new_message_key(),)

    require_refused(backed_up, f"{name} (for 1)")


def test_key_may_have_another_position_in_message_keys(backed_up, settings, tmp_path):
    keys = ",".join([new_message_key(), *settings.MESSAGE_KEYS])

    with another_instance(tmp_path / "elsewhere", MESSAGE_KEYS=keys) as elsewhere:
        elsewhere.manage("restore", str(backed_up)).check_returncode()

        assert elsewhere.history()


def test_restore_never_overwrites_an_instance_with_users(backed_up, elsewhere):
    create_data_directory(elsewhere.variables, project=PROJECT)
    elsewhere.manage("migrate", "-v0").check_returncode()
    elsewhere.manage("restore", str(backed_up)).check_returncode()
    restored = elsewhere.history()

    again = elsewhere.manage("restore", str(backed_up))

    assert restored
    assert again.returncode != 0
    assert "This instance has users" in again.stderr
    assert elsewhere.history() == restored


# PostgreSQL's tools


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_missing_pg_dump_is_reported_in_one_line(archive, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(CommandError, match="pg_dump is not installed"):
        call_command("backup", str(archive))


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_pg_dump_of_another_version_is_reported_in_one_line(archive, monkeypatch, tmp_path):
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
def test_tests_of_pg_dump_run_on_postgresql():
    """The two tests above rely on it; all others run on either engine."""
    assert connection.vendor == "postgresql"
