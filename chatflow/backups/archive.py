"""The archive: a zip file of the database, the uploads and a manifest.

A zip has its table of contents at the end, so one that was cut off is known at once, and no way to
hold a link or a device. It may come from anywhere, so names are believed only as far as we write
them ourselves.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from chatflow.backups.problems import BackupProblem
from chatflow.progress import with_progress

FORMAT = 1
MANIFEST = "manifest.json"
UPLOADS = "uploads"
MOST_MANIFEST_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """What an archive says about itself."""

    chatflow: str
    engine: str
    made_at: str
    uploads: int
    migrations: list[str]
    keys: dict[str, int]  # how many conversations each of MESSAGE_KEYS opens, by its fingerprint
    format: int = FORMAT


def add_database(archive: ZipFile, path: Path, *, compression: int) -> None:
    archive.write(path, path.name, compression)


def add_uploads(archive: ZipFile, root: Path) -> int:
    """How many there are; what is deleted meanwhile is left out."""
    count = 0
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    for path in with_progress(paths, "Uploads"):
        with suppress(FileNotFoundError):  # pictures are compressed already
            archive.write(path, f"{UPLOADS}/{path.relative_to(root)}", ZIP_STORED)
            count += 1
    return count


def add_manifest(archive: ZipFile, manifest: Manifest) -> None:
    archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))


def unpack(file: BinaryIO, directory: Path, *, expected: str) -> Manifest:
    """The manifest, and everything else in the directory, read to its last byte."""
    with _telling_damage(), ZipFile(file) as archive:
        manifest = _manifest(archive)
        names = [name for name in archive.namelist() if name != MANIFEST]
        if expected not in names:
            raise BackupProblem(
                f"The backup is of {manifest.engine}, which is not what is here: "
                f"it has no {expected}."
            )
        _require_good_names(names, expected)
        _require_room(archive, directory)
        for name in with_progress(names, "Reading"):
            _extract(archive, name, directory / name)
    return manifest


def _manifest(archive: ZipFile) -> Manifest:
    try:
        with archive.open(MANIFEST) as file:
            told = json.loads(file.read(MOST_MANIFEST_BYTES))
        if told["format"] != FORMAT:
            raise BackupProblem("The backup is in a format of a newer ChatFlow: upgrade first.")
        manifest = Manifest(**told)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BackupProblem("This is not a backup of ChatFlow: it has no good manifest.") from None
    if not _is_typed(manifest):
        raise BackupProblem("This is not a backup of ChatFlow: its manifest makes no sense.")
    return manifest


def _is_typed(manifest: Manifest) -> bool:
    return (
        isinstance(manifest.migrations, list)
        and all(isinstance(name, str) for name in manifest.migrations)
        and isinstance(manifest.keys, dict)
        and all(isinstance(count, int) for count in manifest.keys.values())
    )


def _require_good_names(names: list[str], database: str) -> None:
    wrong = [name for name in names if name != database and not _is_upload(name)]
    if wrong or len(set(names)) < len(names):
        raise BackupProblem(
            f"This is not a backup that ChatFlow made: {(wrong or ['a name that comes twice'])[0]}"
        )


def _is_upload(name: str) -> bool:
    """One way to write each name, and none that leads out of the directory."""
    parts = PurePosixPath(name).parts
    return (
        len(parts) > 1
        and parts[0] == UPLOADS
        and ".." not in parts
        and "/".join(parts) == name
        and "\\" not in name
    )


def _require_room(archive: ZipFile, directory: Path) -> None:
    needed = sum(member.file_size for member in archive.infolist())
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise BackupProblem(
            f"The backup needs {needed // 2**20} MiB beside the data, {free // 2**20} are free."
        )


def _extract(archive: ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy)


@contextmanager
def _telling_damage() -> Iterator[None]:
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BackupProblem(f"The backup is damaged or not whole: {error}.") from error
    except OSError as error:
        raise BackupProblem(f"The backup cannot be unpacked: {error}.") from error
