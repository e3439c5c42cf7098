"""The queue in which this process's writers wait for a SQLite database; the backend takes turns."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress

LOOK_SECONDS = 0.5


class Turn:
    """One writer's place in the queue, and later its right to write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.thread = threading.current_thread()
        # A bare lock is the cheapest thing one thread can wake exactly one other with.
        self.called = threading.Lock()
        self.called.acquire()


class Turns:
    """One writer at a time, first come first served.

    SQLite's own lock is polled: who wakes first has it, so under load most writers are quick and
    the unlucky wait many times the median. A turn is handed to the longest waiting and is never
    up for grabs. Writers of other processes still meet SQLite's lock.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._current: Turn | None = None
        self._waiting: deque[Turn] = deque()

    def take(self, connection: sqlite3.Connection, *, timeout: float) -> Turn | None:
        """The right to write, to be ended by the caller; None when it did not come in time."""
        turn = Turn(connection)
        with self._mutex:
            if self._current is None:
                self._current = turn
                return turn
            self._waiting.append(turn)
        called = False
        try:
            called = self._wait(turn, time.monotonic() + timeout)
        finally:
            if not called:
                self.end(turn)
        return turn if called else None

    def end(self, turn: Turn) -> None:
        """Give up a turn or a place; ending twice is harmless."""
        with self._mutex:
            if self._current is turn:
                self._call_next()
            elif turn in self._waiting:
                self._waiting.remove(turn)

    def __len__(self) -> int:
        """How many are waiting."""
        return len(self._waiting)

    def _wait(self, turn: Turn, deadline: float) -> bool:
        while (left := deadline - time.monotonic()) > 0:
            if turn.called.acquire(timeout=min(left, LOOK_SECONDS)):
                return True
            self._end_turn_of_dead_thread()
        return False

    def _end_turn_of_dead_thread(self) -> None:
        # Whoever dies inside a transaction leaves it open until the garbage collector comes by.
        with self._mutex:
            if self._current and not self._current.thread.is_alive():
                with suppress(sqlite3.Error):
                    self._current.connection.rollback()
                self._call_next()

    def _call_next(self) -> None:
        self._current = self._waiting.popleft() if self._waiting else None
        if self._current:
            self._current.called.release()


_turns: dict[str, Turns] = {}

# A lock that another thread held at the fork would stay shut in the child for ever.
os.register_at_fork(after_in_child=_turns.clear)


def turns_at(database: str) -> Turns:
    return _turns.setdefault(database, Turns())
