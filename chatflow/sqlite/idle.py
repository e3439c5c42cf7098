"""Open SQLite connections between two uses; the backend leaves and takes them."""

from __future__ import annotations

import atexit
import os
import sqlite3
from threading import Lock

LIMIT = 16

# Equal keys mean interchangeable connections: the same options on the same file.
Key = tuple[str, int, int]

_mutex = Lock()
_idle: list[tuple[Key, sqlite3.Connection]] = []
_inherited: list[tuple[Key, sqlite3.Connection]] = []


def key_for(path: str, options: str) -> Key | None:
    """What a connection is kept under; None for what is no file (yet), such as a memory database.

    A file is its inode: a database that was deleted and made anew is another one. An idle
    connection keeps its own inode from being reused.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return options, status.st_dev, status.st_ino


def take(path: str, options: str) -> sqlite3.Connection | None:
    key = key_for(path, options)
    with _mutex:
        # From the end: the last one used has the warmest caches.
        for index in reversed(range(len(_idle))):
            if _idle[index][0] == key:
                return _idle.pop(index)[1]
    return None


def leave(key: Key, connection: sqlite3.Connection) -> None:
    with _mutex:
        _idle.append((key, connection))
        oldest = _idle.pop(0)[1] if len(_idle) > LIMIT else None
    if oldest:
        oldest.close()


@atexit.register
def close_all() -> None:
    """Let go of every file; the last connection to close also folds the WAL into it."""
    with _mutex:
        connections = [connection for _, connection in _idle]
        _idle.clear()
    for connection in connections:
        connection.close()


def _disown() -> None:
    # SQLite forbids a child even to close what its parent opened, so they are kept, unused.
    global _mutex
    _mutex = Lock()
    _inherited.extend(_idle)
    _idle.clear()


os.register_at_fork(after_in_child=_disown)
