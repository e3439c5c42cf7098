"""Back up the database and the uploads into one archive, and restore it.

Used by the commands `backup` and `restore`. The archive is a gzipped tar with three kinds of
members: `manifest.json`, the database as its engine dumps it, and `uploads/…`. The encryption keys
are left out: an archive stored beside its MESSAGE_KEYS would be as good as plain text.

Without this module operators would need `pg_dump` or `sqlite3 .backup`, a copy of the uploads, and
their own checks of keys and migrations.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from chatflow.operations.key_usage import NO_KEY, count_conversations_by_key, fingerprint
from chatflow.operations.progress import with_progress

STANDARD_STREAM = "-"
MANIFEST = "manifest.json"
UPLOADS = "uploads"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
COMPRESSION_LEVEL = 1  # pictures and PostgreSQL's dumps are compressed already
CHUNK_BYTES = 1024 * 1024
# The role that restores owns what it restores, and comments on extensions need a superuser.
FOR_ANY_OWNER = ("--no-owner", "--no-privileges", "--no-comments")


class BackupError(CommandError):
    """A backup or restore that cannot be done, with the reason in one line."""


@dataclass(frozen=True)
class Manifest:
    """Describe an archive: what `restore` checks before it changes anything."""

    chatflow: str
    engine: str
    made_at: str
    uploads: int
    migrations: list[str]
    keys: dict[str, int]  # conversations by the fingerprint of the key that decrypts them


def back_up(path: str) -> Manifest:
    """Write the archive while people continue to use the instance.

    The database is dumped first, as one snapshot, and the uploads are read afterwards. An upload
    that the snapshot names is missing only if it was deleted in between.
    """
    with _workspace() as workspace, _open_for_writing(path) as file:
        snapshot = workspace / DATABASES[connection.vendor]
        _dump_database(snapshot)
        root = Path(settings.MEDIA_ROOT)
        uploads = sorted(path for path in root.rglob("*") if path.is_file())
        manifest = _describe(uploads=len(uploads))
        with (
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=COMPRESSION_LEVEL) as compressed,
            tarfile.open(fileobj=compressed, mode="w|", dereference=True) as archive,
        ):
            content = json.dumps(asdict(manifest), indent=1).encode()
            member = tarfile.TarInfo(MANIFEST)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            archive.add(snapshot, snapshot.name)
            for upload in with_progress(uploads, "Uploads"):
                with suppress(FileNotFoundError):
                    archive.add(upload, f"{UPLOADS}/{upload.relative_to(root)}")
    return manifest


def restore(path: str) -> Manifest:
    """Fill an instance without users from the archive, and migrate it.

    Everything is unpacked and checked before anything changes. The database is loaded last: an
    instance without users can be restored into again.
    """
    _require_no_users()
    with _workspace() as workspace:
        database = workspace / DATABASES[connection.vendor]
        manifest = _unpack(sys.stdin.buffer if path == STANDARD_STREAM else path, workspace)
        if not database.exists():
            raise BackupError(
                f"The backup was made on {manifest.engine}, but this instance is on "
                f"{connection.vendor}."
            )
        _require_known_migrations(manifest)
        _require_keys(manifest)
        _check_database(database)
        _move_uploads(workspace / UPLOADS, Path(settings.MEDIA_ROOT))
        _load_database(database)
    connection.close()  # its caches belong to the previous database
    call_command("migrate", verbosity=0)
    return manifest


def _describe(*, uploads: int) -> Manifest:
    applied = MigrationRecorder(connection).applied_migrations()
    return Manifest(
        chatflow=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        engine=connection.vendor,
        made_at=timezone.now().isoformat(timespec="seconds"),
        uploads=uploads,
        migrations=sorted(".".join(migration) for migration in applied),
        keys=count_conversations_by_key(),
    )


# Unpacking


def _unpack(file: BinaryIO | str, directory: Path) -> Manifest:
    """Extract everything into the directory, and verify gzip's checksum at the end."""
    try:
        with gzip.open(file) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
            members = iter(archive)
            manifest = _read_manifest(archive, next(members, None))
            for member in with_progress(members, "Reading", total=manifest.uploads + 1):
                _extract(archive, member, directory)
            while plain.read(CHUNK_BYTES):
                pass  # read on to the checksum, which comes after tar's end marker
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BackupError(f"The backup is damaged or incomplete: {error}.") from error
    except OSError as error:
        raise BackupError(f"The backup cannot be read: {error}.") from error
    return manifest


def _read_manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    try:
        if member is None or member.name != MANIFEST:
            raise ValueError(MANIFEST)
        manifest = Manifest(**json.load(cast(BinaryIO, archive.extractfile(member))))
        # These raise an error if the values have other types.
        ".".join(manifest.migrations)
        sum([manifest.uploads, *manifest.keys.values()])
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise BackupError(
            "This is not a backup of ChatFlow: its manifest is missing or invalid."
        ) from None
    return manifest


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path) -> None:
    """Write a member below the directory, if it is a plain file with a name that we write.

    This is stricter than tarfile's own `data` filter, which Python 3.11.0 to 3.11.3 do not have:
    links, devices, absolute names and `..` are refused, and modes and owners are ignored.
    """
    parts = PurePosixPath(member.name).parts
    is_upload = len(parts) > 1 and parts[0] == UPLOADS and ".." not in parts
    is_expected = is_upload or member.name in DATABASES.values()
    if not (member.isreg() and is_expected and "/".join(parts) == member.name):
        raise BackupError(f"This is not a backup that ChatFlow made: it has {member.name!r}.")
    target = directory / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as copy:
        shutil.copyfileobj(cast(BinaryIO, archive.extractfile(member)), copy)


def _move_uploads(source: Path, target: Path) -> None:
    for path in [path for path in source.rglob("*") if path.is_file()]:
        place = target / path.relative_to(source)
        place.parent.mkdir(settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS, parents=True, exist_ok=True)
        shutil.move(path, place)
        place.chmod(settings.FILE_UPLOAD_PERMISSIONS)


# Checks before a restore


def _require_no_users() -> None:
    if User._meta.db_table in connection.introspection.table_names() and User.objects.exists():
        raise BackupError(
            "This instance has users, and a restore would delete what they wrote. Name an empty "
            "DATABASE_URL, or another DATA_DIR if DATABASE_URL is not set."
        )


def _require_known_migrations(manifest: Manifest) -> None:
    known = {".".join(migration) for migration in MigrationLoader(connection).disk_migrations}
    if unknown := sorted(set(manifest.migrations) - known):
        raise BackupError(
            f"The backup is from ChatFlow {manifest.chatflow}, which is newer than this one: "
            f"there is no migration {unknown[0]} here. Upgrade first."
        )


def _require_keys(manifest: Manifest) -> None:
    """Check that MESSAGE_KEYS decrypts every conversation that was readable at the backup."""
    here = {fingerprint(key) for key in settings.MESSAGE_KEYS}
    if missing := manifest.keys.keys() - here - {NO_KEY}:
        needed = ", ".join(f"{name} (for {manifest.keys[name]})" for name in sorted(missing))
        raise BackupError(
            f"MESSAGE_KEYS lacks keys that conversations of the backup need: {needed}. They are "
            "in MESSAGE_KEYS, or in the file message_keys of DATA_DIR, where the backup was made. "
            f"Fingerprints of the keys here: {', '.join(sorted(here))}."
        )


# The engines' own dumps


def _dump_database(path: Path) -> None:
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", *FOR_ANY_OWNER, f"--file={path}", *_server_arguments())
    else:
        # In one step: if it paused in between, every write would make it start over.
        with closing(sqlite3.connect(path)) as copy:
            _sqlite_connection().backup(copy)


def _check_database(path: Path) -> None:
    if connection.vendor == "postgresql":
        _run("pg_restore", "--list", str(path))
        return
    try:
        with closing(sqlite3.connect(path)) as copy:
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupError(f"The backup's database is damaged: {verdict}.")


def _load_database(path: Path) -> None:
    if connection.vendor == "postgresql":
        _drop_tables()
        *server, database = _server_arguments()
        options = ("--single-transaction", "--exit-on-error", *FOR_ANY_OWNER)
        _run("pg_restore", *options, *server, f"--dbname={database}", str(path))
    else:
        # Through SQLite, not by replacing the file: other processes may have it open, and the old
        # database's write-ahead log would be applied to the new one.
        with closing(sqlite3.connect(path)) as copy:
            copy.backup(_sqlite_connection())


def _drop_tables() -> None:
    """Drop all tables: one that the backup does not know may refer to those that it replaces."""
    with connection.cursor() as cursor:
        if tables := connection.introspection.table_names(cursor):
            names = ", ".join(connection.ops.quote_name(table) for table in tables)
            cursor.execute(f"DROP TABLE {names} CASCADE")


def _sqlite_connection() -> sqlite3.Connection:
    connection.ensure_connection()
    return cast(sqlite3.Connection, connection.connection)


def _server_arguments() -> list[str]:
    """Return psql's arguments for user, host and port, with the database last."""
    arguments, _ = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    return arguments[1:]


def _run(tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's tools, which must be at least as new as the server."""
    program = shutil.which(tool)
    if program is None:
        raise BackupError(
            f"{tool} is not installed. On Debian or Ubuntu: apt install postgresql-client"
        )
    # The password is passed in the environment, because everybody can read the arguments.
    _, password = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    done = subprocess.run(  # noqa: S603 (arguments come from the settings, and there is no shell)
        [program, *arguments],
        env=os.environ | (password or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # `server version mismatch` has the versions in its second line.
        raise BackupError(f"{tool} failed: {' '.join(lines[:2]) or 'it gave no reason.'}")


# Files


@contextmanager
def _workspace() -> Iterator[Path]:
    """Provide a private directory in DATA_DIR, whose disk has to hold the data anyway."""
    with TemporaryDirectory(prefix="backup-", dir=settings.DATA_DIR) as directory:
        yield Path(directory)


@contextmanager
def _open_for_writing(path: str) -> Iterator[BinaryIO]:
    """Open a new file that gets its name when it is complete, and never replaces another."""
    if path == STANDARD_STREAM:
        yield sys.stdout.buffer
        return
    target = Path(path)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    if os.path.lexists(target):
        raise BackupError(f"{target} exists already.")
    if target.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        raise BackupError(f"{target} would be among the uploads, and so in itself.")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
