"""One archive with everything people wrote and uploaded, and back; only commands call these.

The keys are left out: an archive beside its MESSAGE_KEYS would be as good as plain text.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zipfile import ZipFile

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from chatflow.backups import keys
from chatflow.backups.archive import (
    UPLOADS,
    Manifest,
    add_database,
    add_manifest,
    add_uploads,
    unpack,
)
from chatflow.backups.engines import engine_here
from chatflow.backups.problems import BackupProblem

STANDARD_STREAM = "-"


def back_up(path: str) -> Manifest:
    """Writes the archive while people go on writing; it holds all that was acknowledged before.

    The database comes first, as one moment; then the uploads, so that none that it names is
    missing but what somebody deletes in between.
    """
    engine = engine_here()
    with _workspace() as workspace, _archive_to_write(path) as file:
        snapshot = workspace / engine.FILE_NAME
        engine.snapshot(snapshot)
        with ZipFile(file, "w", strict_timestamps=False) as archive:
            add_database(archive, snapshot, compression=engine.COMPRESSION)
            manifest = _describe(uploads=add_uploads(archive, Path(settings.MEDIA_ROOT)))
            add_manifest(archive, manifest)
    return manifest


def restore(path: str) -> Manifest:
    """Fills an instance that nobody has signed up to; whatever is amiss is found before it writes.

    The database is what makes an instance full, so it comes last: until then one may try again.
    """
    _require_nobody_here()
    with _workspace() as workspace:
        with _archive_to_read(path, workspace) as file:
            manifest = unpack(file, workspace, expected=engine_here().FILE_NAME)
        database = workspace / engine_here().FILE_NAME
        _require_known_migrations(manifest)
        keys.require(manifest.keys)
        engine_here().check(database)
        _put_uploads(workspace / UPLOADS, Path(settings.MEDIA_ROOT))
        engine_here().load(database)
    connection.close()  # what it remembers is of the database before
    call_command("migrate", verbosity=0)
    return manifest


def _describe(*, uploads: int) -> Manifest:
    applied = MigrationRecorder(connection).applied_migrations()
    return Manifest(
        chatflow=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        engine=connection.vendor,
        made_at=timezone.now().isoformat(timespec="seconds"),
        uploads=uploads,
        migrations=sorted(".".join(each) for each in applied),
        keys=keys.in_use(),
    )


# --- what may be restored here -------------------------------------------------------------------


def _require_nobody_here() -> None:
    if User._meta.db_table in connection.introspection.table_names() and User.objects.exists():
        raise BackupProblem(
            "There are people here already, and a restore would lose what they wrote. Name an "
            "empty DATABASE_URL, or without one another DATA_DIR."
        )


def _require_known_migrations(manifest: Manifest) -> None:
    known = {".".join(each) for each in MigrationLoader(connection).disk_migrations}
    if unknown := sorted(set(manifest.migrations) - known):
        raise BackupProblem(
            f"The backup is of ChatFlow {manifest.chatflow}, which is newer than this one "
            f"(it knows {unknown[0]}): restore it there, or upgrade first."
        )


def _put_uploads(source: Path, target: Path) -> None:
    for path in [each for each in source.rglob("*") if each.is_file()]:
        place = target / path.relative_to(source)
        place.parent.mkdir(settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS, parents=True, exist_ok=True)
        shutil.move(path, place)
        place.chmod(settings.FILE_UPLOAD_PERMISSIONS)


# --- where archives come from and go to ----------------------------------------------------------


@contextmanager
def _workspace() -> Iterator[Path]:
    """Room beside the data, on the disk that has to hold it anyway; readable by us alone."""
    with TemporaryDirectory(prefix="backup-", dir=settings.DATA_DIR) as directory:
        yield Path(directory)


@contextmanager
def _archive_to_write(path: str) -> Iterator[BinaryIO]:
    """A file appears under its name once it is whole, and never in place of another one."""
    if path == STANDARD_STREAM:
        yield sys.stdout.buffer
        return
    target = Path(path)
    draft = target.with_name(f"{target.name}.partial")
    if target.exists():
        raise BackupProblem(f"{target} exists already.")
    if target.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        raise BackupProblem(f"{target} would be among the uploads, and so in itself.")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as error:
        raise BackupProblem(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _archive_to_read(path: str, workspace: Path) -> Iterator[BinaryIO]:
    if path == STANDARD_STREAM:
        path = str(workspace / "archive")
        with Path(path).open("wb") as copy:  # an archive is read from its end
            shutil.copyfileobj(sys.stdin.buffer, copy)
    try:
        file = Path(path).open("rb")  # noqa: SIM115 (what fails inside is told by others)
    except OSError as error:
        raise BackupProblem(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield file
