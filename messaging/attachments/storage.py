"""The storage of attachments on the file system, which the settings name."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class DurableFileStorage(FileSystemStorage):
    """Writes files to the disk before they are saved, so that a power cut loses no attachment.

    The row of an attachment is just as durable, and a row without its file could not be repaired.
    """

    def _save(self, name: str, content: File[bytes]) -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]
        file = Path(self.path(saved))
        for path in (file, file.parent, file.parent.parent):  # the folders may be new
            _sync(path)
        return saved


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
