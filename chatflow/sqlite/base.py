"""Django's SQLite backend, with writers that queue and connections that outlive a request."""

# mypy: disable-error-code="attr-defined, misc, no-any-return, override"
# The stubs leave out what a backend exists to override.

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from sqlite3 import Connection
from typing import Any
from weakref import WeakSet

from django.db.backends.sqlite3 import base, creation

from . import idle
from .like import like
from .turns import Turn, turns_at

# The first letters of what Django writes outside transactions. What is missing here is still
# correct: it meets SQLite's own lock.
WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLAC"})

Parameters = Sequence[object] | Mapping[str, object]


class Cursor(base.SQLiteCursorWrapper):
    """Queues the writes that are transactions of their own."""

    def __init__(self, connection: Connection, *, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Parameters | None = None) -> base.SQLiteCursorWrapper:
        if not self._wrapper.needs_turn(query):
            return super().execute(query, params)
        self._wrapper.take_turn()
        try:
            return super().execute(query, params)
        finally:
            # RETURNING keeps the lock until its rows are read: then close() ends the turn.
            if self.description is None:
                self._wrapper.end_turn()

    def executemany(self, query: str, param_list: Iterable[Parameters]) -> base.SQLiteCursorWrapper:
        if not self._wrapper.needs_turn(query):
            return super().executemany(query, param_list)
        self._wrapper.take_turn()
        try:
            return super().executemany(query, param_list)
        finally:
            self._wrapper.end_turn()

    def close(self) -> None:
        super().close()
        self._wrapper.end_turn()


class DatabaseCreation(creation.DatabaseCreation):
    """Test databases are deleted as files, so nobody may keep them open."""

    def _create_test_db(self, *args: Any, **kwargs: Any) -> str:
        idle.close_all()
        return super()._create_test_db(*args, **kwargs)

    def _destroy_test_db(self, *args: Any, **kwargs: Any) -> None:
        idle.close_all()
        super()._destroy_test_db(*args, **kwargs)


class DatabaseWrapper(base.DatabaseWrapper):
    creation_class = DatabaseCreation

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: Turn | None = None
        self._cursors: WeakSet[Cursor] = WeakSet()

    # Turns

    def needs_turn(self, query: str) -> bool:
        return query[:6].upper() in WRITES and not self.connection.in_transaction

    def take_turn(self) -> None:
        if self._turn is None and self._queues:
            self._turn = turns_at(self._path).take(self.connection, timeout=self._timeout)
            if self._turn is None:
                raise self.Database.OperationalError("database is locked")

    def end_turn(self) -> None:
        """Let the next one write, unless a transaction is still open."""
        if self._turn is not None and not self.connection.in_transaction:
            self._release_turn()

    def _release_turn(self) -> None:
        if self._turn is not None:
            turns_at(self._path).end(self._turn)
            self._turn = None

    def _start_transaction_under_autocommit(self) -> None:
        with self.wrap_database_errors:
            self.take_turn()
        try:
            super()._start_transaction_under_autocommit()
        finally:
            self.end_turn()

    def _commit(self) -> None:
        try:
            super()._commit()
        finally:
            self.end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self.end_turn()

    # Connections

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        self._process = os.getpid()
        self._path = os.path.abspath(conn_params["database"])
        self._timeout = conn_params.get("timeout", 5.0)
        self._queues = self.transaction_mode in ("IMMEDIATE", "EXCLUSIVE") and not self._is_private
        self._options = repr((conn_params, self.init_commands))

        connection = idle.take(self._path, self._options)
        if connection is None:
            if not self.is_in_memory_db():
                _create_privately(self._path)
            connection = super().get_new_connection(conn_params)
            for arguments in (2, 3):
                connection.create_function("LIKE", arguments, like, deterministic=True)
        else:
            # A schema change that failed half-way leaves them off.
            connection.execute("PRAGMA foreign_keys = ON")
        self._key = idle.key_for(self._path, self._options)
        return connection

    @property
    def _is_private(self) -> bool:
        return self.is_in_memory_db() and "cache=shared" not in self.settings_dict["NAME"]

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor = self.connection.cursor(factory=partial(Cursor, wrapper=self))
        self._cursors.add(cursor)
        return cursor

    def _close(self) -> None:
        try:
            if self._key is not None and self._is_clean:
                self._finish_queries()
                idle.leave(self._key, self.connection)
            else:
                super()._close()
        finally:
            # Whoever still holds one, as a traceback does, must not be met at the next close.
            self._cursors.clear()
            self._release_turn()

    @property
    def _is_clean(self) -> bool:
        return (
            not self.errors_occurred
            and not self.in_atomic_block
            and not self.connection.in_transaction
            and self._process == os.getpid()
        )

    def _finish_queries(self) -> None:
        # One unfinished SELECT would hold the next user at the state that this one saw.
        for cursor in list(self._cursors):
            cursor.close()


def _create_privately(path: str) -> None:
    """For our eyes only; what SQLite puts beside it is given the same mode.

    Never opens what is there already: closing it again would drop this process's locks on it.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
