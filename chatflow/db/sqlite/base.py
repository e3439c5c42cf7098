"""Django's SQLite backend, with writers that queue and connections that end with their thread."""

# mypy: disable-error-code="attr-defined, misc, no-any-return, override"
# The stubs leave out what a backend exists to override.

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from sqlite3 import Connection
from typing import Any
from weakref import WeakSet, finalize

from django.db.backends.sqlite3 import base

from .write_lock import write_lock_of

# The first letters of the statements that Django writes outside transactions. Others remain
# correct: they meet SQLite's own lock.
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLAC"})

Statement = Callable[[], base.SQLiteCursorWrapper]
Parameters = Sequence[object] | Mapping[str, object]


class Cursor(base.SQLiteCursorWrapper):
    """Acquires the write lock for statements that are transactions of their own."""

    def __init__(self, connection: Connection, *, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Parameters | None = None) -> base.SQLiteCursorWrapper:
        return self._run(query, partial(super().execute, query, params))

    def executemany(self, query: str, param_list: Iterable[Parameters]) -> base.SQLiteCursorWrapper:
        return self._run(query, partial(super().executemany, query, param_list))

    def _run(self, query: str, statement: Statement) -> base.SQLiteCursorWrapper:
        if query[:6].upper() not in WRITES or self._wrapper.connection.in_transaction:
            return statement()
        self._wrapper.acquire_write_lock()
        try:
            return statement()
        finally:
            # SQLite writes until the rows of RETURNING are read; close() releases the lock then.
            if self.description is None:
                self._wrapper.release_write_lock()

    def close(self) -> None:
        super().close()
        self._wrapper.release_write_lock()


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ticket: threading.Lock | None = None
        self._cursors: WeakSet[Cursor] = WeakSet()

    def acquire_write_lock(self) -> None:
        if self._ticket is None:
            self._ticket = self._lock.acquire(timeout=self._timeout)
            if self._ticket is None:
                raise self.Database.OperationalError("database is locked")

    def release_write_lock(self) -> None:
        """Let the next connection write, unless a transaction is still open."""
        if self._ticket is not None and not self.connection.in_transaction:
            self._give_up_ticket()

    def _give_up_ticket(self) -> None:
        if self._ticket is not None:
            self._lock.release(self._ticket)
            self._ticket = None

    def _start_transaction_under_autocommit(self) -> None:
        with self.wrap_database_errors:
            self.acquire_write_lock()
        try:
            super()._start_transaction_under_autocommit()
        finally:
            self.release_write_lock()

    def _commit(self) -> None:
        try:
            super()._commit()
        finally:
            self.release_write_lock()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self.release_write_lock()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        path = os.path.abspath(conn_params["database"])
        if not self.is_in_memory_db():
            _create_privately(path)
        connection = super().get_new_connection(conn_params)
        self._lock, self._timeout = write_lock_of(path), conn_params.get("timeout", 5.0)
        # Django would leave the connection of a thread that has ended to the garbage collector.
        self._end_of_thread = finalize(threading.current_thread(), self._abandon, connection)
        return connection

    def _abandon(self, connection: Connection) -> None:
        connection.close()
        self._give_up_ticket()

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor = self.connection.cursor(factory=partial(Cursor, wrapper=self))
        self._cursors.add(cursor)
        return cursor

    def close_if_unusable_or_obsolete(self) -> None:
        """Finish all queries as well, before and after each request.

        A SELECT whose rows were not all read would show the next request its outdated snapshot.
        """
        if self.connection is not None and not self.in_atomic_block:
            for cursor in list(self._cursors):
                cursor.close()
        super().close_if_unusable_or_obsolete()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._end_of_thread.detach()
            self._give_up_ticket()


def _create_privately(path: str) -> None:
    """Create the file for its owner only; SQLite gives the same mode to the files beside it.

    A file that exists is not opened: closing it again would drop this process's locks on it.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
