"""Ensure that one process serves a data directory, if events are kept in its memory.

Without it the members of two processes would not receive each other's messages live.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

LOCK_NAME = "chatflow.lock"

# Closing a file would drop its lock, so the files stay open as long as the process runs.
_held: dict[Path, IO[str]] = {}


class AlreadyServed(Exception):
    """Another process serves the directory."""


def hold(directory: Path) -> None:
    """Lock the directory until this process ends. Raises AlreadyServed. Idempotent."""
    path = directory.resolve() / LOCK_NAME
    if path in _held:
        return
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    file = os.fdopen(os.open(path, flags, 0o600), "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise AlreadyServed(
            f"Another ChatFlow (process {file.read().strip()}) serves {directory}. Without "
            "REDIS_URL events stay in one process: stop that one, or set another DATA_DIR."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[path] = file
