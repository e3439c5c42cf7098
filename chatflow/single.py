"""One serving process per data directory; whoever serves with events in memory holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

LOCK_NAME = "chatflow.lock"

# Closing a file drops its lock, so they stay open as long as the process.
_held: dict[Path, IO[str]] = {}


class AlreadyServed(Exception):
    """Another process holds the directory."""


def hold(directory: Path) -> None:
    """Holds the directory until this process ends, however it ends."""
    path = directory.resolve() / LOCK_NAME
    if path in _held:
        return
    file = path.open("a+")
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
