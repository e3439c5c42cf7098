"""Writers that queue and connections that threads keep, on a file of the test's own."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connections, transaction

from chatflow.db.sqlite.write_lock import WriteLock, write_lock_of

ALIAS = "private"
PATIENCE_SECONDS = 90  # generous, so that no test fails on a busy machine


def configure(name: Path | str, *, timeout: float = PATIENCE_SECONDS) -> None:
    connections.settings = connections.configure_settings(
        {
            **connections.settings,
            ALIAS: {
                "ENGINE": "chatflow.db.sqlite",
                "NAME": name,
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": timeout,
                    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
                },
            },
        }
    )


def forget() -> None:
    if connection := connections[ALIAS].connection:
        connection.close()
    del connections[ALIAS]


@pytest.fixture(autouse=True)
def private_database(django_db_blocker, monkeypatch, tmp_path) -> Iterator[Path]:
    monkeypatch.setattr(connections, "settings", connections.settings)
    with django_db_blocker.unblock():
        configure(tmp_path / "private.sqlite3")
        execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER CHECK (value >= 0))")
        execute("INSERT INTO counter VALUES (1, 0)")
        yield tmp_path / "private.sqlite3"
        forget()


def execute(sql: str) -> list[Any]:
    with connections[ALIAS].cursor() as cursor:
        return cursor.execute(sql).fetchall()


def atomic() -> transaction.Atomic:
    return transaction.atomic(using=ALIAS)


def increment() -> None:
    execute("UPDATE counter SET value = value + 1")


def value() -> int:
    return execute("SELECT value FROM counter WHERE id = 1")[0][0]


def start(act: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            act()
        finally:
            connections[ALIAS].close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def in_thread(act: Callable[[], object]) -> None:
    start(act).join(timeout=PATIENCE_SECONDS)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition stayed false"
        time.sleep(0.005)


def queue() -> WriteLock:
    return write_lock_of(str(connections[ALIAS].settings_dict["NAME"]))


# The write lock


def test_writers_are_served_in_the_order_of_arrival():
    order: list[int] = []

    def write(number: int) -> None:
        with atomic():
            order.append(number)

    writers = []
    with atomic():
        for number in range(8):
            writers.append(start(lambda number=number: write(number)))
            until(lambda number=number: len(queue()) == number + 1)
    for writer in writers:
        writer.join(timeout=PATIENCE_SECONDS)

    assert order == list(range(8))


def test_concurrent_transactions_lose_no_update():
    def read_then_write() -> None:
        for _ in range(5):
            with atomic():
                seen = value()
                execute(f"UPDATE counter SET value = {seen + 1}")

    writers = [start(read_then_write) for _ in range(30)]
    for writer in writers:
        writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 150


def test_write_outside_a_transaction_waits_for_the_lock():
    with atomic():
        writer = start(increment)
        until(lambda: len(queue()) == 1)
        assert value() == 0
    writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 1


def test_insert_with_returning_releases_the_lock_once_its_row_is_read():
    execute("INSERT INTO counter (value) VALUES (7) RETURNING id")

    in_thread(increment)

    assert value() == 1


def test_write_releases_the_lock_although_its_cursor_stays_open():
    cursor = connections[ALIAS].cursor()
    cursor.execute("UPDATE counter SET value = 1")

    in_thread(increment)

    assert value() == 2


def test_readers_do_not_wait_for_the_lock():
    seen: list[int] = []

    with atomic():
        increment()
        in_thread(lambda: seen.append(value()))

    assert seen == [0]


def test_rollback_to_a_savepoint_keeps_the_lock():
    with atomic():
        with pytest.raises(IntegrityError), atomic():
            execute("UPDATE counter SET value = -1")
        writer = start(increment)
        until(lambda: len(queue()) == 1)
        execute("UPDATE counter SET value = 10")
    writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 11


def test_rollback_releases_the_lock():
    with atomic():
        increment()
        transaction.set_rollback(True, using=ALIAS)

    in_thread(increment)

    assert value() == 1


@pytest.mark.parametrize("scope", [atomic, nullcontext])
def test_failed_write_releases_the_lock(scope):
    with pytest.raises(IntegrityError), scope():
        execute("UPDATE counter SET value = -1")

    in_thread(increment)

    assert value() == 1


def test_closing_inside_a_transaction_releases_the_lock():
    with atomic():
        increment()
        connections[ALIAS].close()
        in_thread(increment)
        with pytest.raises(ProgrammingError, match="closed"):
            increment()

    assert value() == 1


def test_transaction_without_atomic_releases_the_lock_at_its_commit():
    connections[ALIAS].set_autocommit(False)
    increment()
    writer = start(increment)
    until(lambda: len(queue()) == 1)
    connections[ALIAS].commit()
    writer.join(timeout=PATIENCE_SECONDS)
    connections[ALIAS].set_autocommit(True)

    assert value() == 2


def test_thread_that_ends_in_a_transaction_releases_the_lock():
    def leave_open() -> None:
        atomic().__enter__()
        increment()

    without_closing(leave_open)
    increment()

    assert value() == 1


def test_writer_that_waits_too_long_gets_sqlite_s_own_error(private_database):
    errors: list[BaseException] = []

    def give_up() -> None:
        try:
            increment()
        except OperationalError as error:
            errors.append(error)

    with atomic():
        configure(private_database, timeout=0.05)
        in_thread(give_up)
        assert len(queue()) == 0
    increment()

    assert [str(error) for error in errors] == ["database is locked"]
    assert value() == 1


def test_writers_of_other_processes_meet_sqlite_s_own_lock(private_database):
    configure(private_database, timeout=0.05)
    forget()

    with closing(sqlite3.connect(private_database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="database is locked"), atomic():
            pass
        other.execute("COMMIT")
    in_thread(increment)

    assert value() == 1


def test_writers_of_a_shared_memory_database_queue_as_well():
    forget()
    configure("file:private?mode=memory&cache=shared")
    execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER)")
    execute("INSERT INTO counter VALUES (1, 0)")

    writers = [start(increment) for _ in range(10)]
    for writer in writers:
        writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 10


# Connections


def without_closing(act: Callable[[], object]) -> None:
    """Run it in a thread that ends without closing its connections."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(timeout=PATIENCE_SECONDS)


def close_old_connections() -> None:
    connections[ALIAS].close_if_unusable_or_obsolete()  # as before and after each request


def test_thread_keeps_its_connection_from_request_to_request():
    connection = connections[ALIAS].connection

    close_old_connections()

    assert value() == 0
    assert connections[ALIAS].connection is connection


def test_connection_with_an_open_transaction_is_closed_after_the_request():
    connections[ALIAS].set_autocommit(False)
    increment()
    close_old_connections()

    assert value() == 0


def test_threads_that_end_leave_no_open_files():
    before = len(os.listdir("/dev/fd"))

    for _ in range(20):
        without_closing(value)

    # SQLite keeps one or two to reuse them, for their locks would be lost with them.
    assert len(os.listdir("/dev/fd")) < before + 5


def test_unfinished_query_does_not_show_the_next_request_the_past():
    execute("INSERT INTO counter (value) VALUES (5)")
    cursor = connections[ALIAS].cursor()
    cursor.execute("SELECT value FROM counter UNION SELECT 2 UNION SELECT 3")
    cursor.fetchone()
    in_thread(increment)

    close_old_connections()

    assert value() == 1


def test_database_files_are_readable_by_their_owner_only(private_database):
    execute("INSERT INTO counter VALUES (2, 0)")

    files = list(private_database.parent.glob("private.sqlite3*"))
    assert {file.name.removeprefix("private.sqlite3") for file in files} == {"", "-wal", "-shm"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
