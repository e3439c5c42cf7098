"""The queue in which this process's writers wait for a SQLite database. Used by the backend.

Without it writers would poll SQLite's own lock. A writer that polls at the right moment gets it,
so under load most writers are quick and a few wait many times the median. SQLite has no fair lock
that could replace this one; PostgreSQL does not need it.
"""

from __future__ import annotations

import threading
from collections import deque


class WriteLock:
    """One writer at a time, in the order of arrival. Writers of other processes meet SQLite's lock.

    A ticket is a bare lock, the cheapest way in which one thread can wake exactly one other.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._current: threading.Lock | None = None
        self._waiting: deque[threading.Lock] = deque()

    def __len__(self) -> int:
        """Return how many writers are waiting."""
        return len(self._waiting)

    def acquire(self, *, timeout: float) -> threading.Lock | None:
        """Return the ticket to release, or None if the lock was not free in time."""
        ticket = threading.Lock()
        ticket.acquire()
        with self._mutex:
            if self._current is None:
                self._current = ticket
                return ticket
            self._waiting.append(ticket)
        if not ticket.acquire(timeout=timeout):
            self.release(ticket)
            return None
        return ticket

    def release(self, ticket: threading.Lock) -> None:
        """Give up the lock or a place in the queue. Idempotent."""
        with self._mutex:
            if ticket is not self._current:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                return
            self._current = self._waiting.popleft() if self._waiting else None
            if self._current:
                self._current.release()


_locks: dict[str, WriteLock] = {}


def write_lock_of(path: str) -> WriteLock:
    """Return the lock that all of this process's connections to the file share."""
    return _locks.setdefault(path, WriteLock())
