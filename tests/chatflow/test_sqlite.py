"""Writers that queue and connections that are kept, on a private file, whatever the default is."""

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

from chatflow.sqlite import idle
from chatflow.sqlite.turns import Turns, turns_at

ALIAS = "private"
PATIENCE_SECONDS = 90  # of tests, so that a busy machine fails none


def configure(name: Path | str, *, timeout: float = PATIENCE_SECONDS) -> None:
    connections.settings = connections.configure_settings(
        {
            **connections.settings,
            ALIAS: {
                "ENGINE": "chatflow.sqlite",
                "NAME": name,
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
        idle.close_all()


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
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def queue() -> Turns:
    return turns_at(str(connections[ALIAS].settings_dict["NAME"]))


# Turns


def test_writers_come_in_the_order_they_asked():
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


def test_nobody_loses_an_update():
    def read_then_write() -> None:
        for _ in range(5):
            with atomic():
                seen = value()
                execute(f"UPDATE counter SET value = {seen + 1}")

    writers = [start(read_then_write) for _ in range(30)]
    for writer in writers:
        writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 150


def test_a_write_outside_a_transaction_waits_for_its_turn_too():
    with atomic():
        writer = start(increment)
        until(lambda: len(queue()) == 1)
        assert value() == 0
    writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 1


def test_a_written_row_that_is_returned_ends_the_turn_when_it_was_read():
    execute("INSERT INTO counter (value) VALUES (7) RETURNING id")

    in_thread(increment)

    assert value() == 1


def test_a_write_ends_its_turn_although_its_cursor_stays_open():
    cursor = connections[ALIAS].cursor()
    cursor.execute("UPDATE counter SET value = 1")

    in_thread(increment)

    assert value() == 2


def test_readers_do_not_wait():
    seen: list[int] = []

    with atomic():
        increment()
        in_thread(lambda: seen.append(value()))

    assert seen == [0]


def test_a_savepoint_keeps_the_turn():
    with atomic():
        with pytest.raises(IntegrityError), atomic():
            execute("UPDATE counter SET value = -1")
        writer = start(increment)
        until(lambda: len(queue()) == 1)
        execute("UPDATE counter SET value = 10")
    writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 11


def test_a_rollback_ends_the_turn():
    with atomic():
        increment()
        transaction.set_rollback(True, using=ALIAS)

    in_thread(increment)

    assert value() == 1


@pytest.mark.parametrize("scope", [atomic, nullcontext])
def test_a_failed_write_ends_the_turn(scope):
    with pytest.raises(IntegrityError), scope():
        execute("UPDATE counter SET value = -1")

    in_thread(increment)

    assert value() == 1


def test_closing_inside_a_transaction_ends_the_turn():
    with atomic():
        increment()
        connections[ALIAS].close()
        in_thread(increment)
        with pytest.raises(ProgrammingError, match="closed"):
            increment()

    assert value() == 1


def test_a_transaction_without_atomic_ends_its_turn_at_the_commit():
    connections[ALIAS].set_autocommit(False)
    increment()
    writer = start(increment)
    until(lambda: len(queue()) == 1)
    connections[ALIAS].commit()
    writer.join(timeout=PATIENCE_SECONDS)
    connections[ALIAS].set_autocommit(True)

    assert value() == 2


def test_a_thread_that_dies_in_a_transaction_does_not_keep_its_turn():
    zombies = []

    def die() -> None:
        atomic().__enter__()
        increment()
        zombies.append(connections[ALIAS])

    thread = threading.Thread(target=die)
    thread.start()
    thread.join(timeout=PATIENCE_SECONDS)
    increment()

    assert value() == 1
    zombies[0].connection.close()


def test_waiting_ends_with_the_error_that_sqlite_has_for_it(private_database):
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


def test_another_process_meets_sqlite_s_own_lock(private_database):
    configure(private_database, timeout=0.05)
    forget()

    with closing(sqlite3.connect(private_database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="database is locked"), atomic():
            pass
        other.execute("COMMIT")
    in_thread(increment)

    assert value() == 1


def test_a_shared_database_in_memory_queues_as_well():
    forget()
    configure("file:private?mode=memory&cache=shared")
    execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER)")
    execute("INSERT INTO counter VALUES (1, 0)")

    writers = [start(increment) for _ in range(10)]
    for writer in writers:
        writer.join(timeout=PATIENCE_SECONDS)

    assert value() == 10


# Connections


def connection_of_another_thread() -> sqlite3.Connection:
    used = []

    def use() -> None:
        value()
        used.append(connections[ALIAS].connection)

    in_thread(use)
    return used[0]


def test_the_next_thread_takes_the_connection_that_was_left():
    assert connection_of_another_thread() is connection_of_another_thread()


def test_a_kept_connection_has_django_s_functions_and_pragmas():
    left = connection_of_another_thread()
    left.execute("PRAGMA foreign_keys = OFF")
    forget()

    assert execute("PRAGMA foreign_keys") == [(1,)]
    assert execute("PRAGMA synchronous") == [(2,)]
    assert execute("PRAGMA journal_mode") == [("wal",)]
    assert execute("SELECT MD5('x')")
    assert connections[ALIAS].connection is left


def test_connections_with_other_options_are_other_connections(private_database):
    first = connection_of_another_thread()
    configure(private_database, timeout=1)

    assert connection_of_another_thread() is not first


def test_an_open_transaction_is_not_handed_on():
    left = []

    def leave_open() -> None:
        connections[ALIAS].set_autocommit(False)
        increment()
        left.append(connections[ALIAS].connection)

    in_thread(leave_open)

    assert connection_of_another_thread() is not left[0]
    assert value() == 0


def test_a_transaction_that_sqlite_ended_by_itself_is_not_handed_on_either():
    with atomic():
        left = connections[ALIAS].connection
        left.rollback()
        connections[ALIAS].close()

    assert connection_of_another_thread() is not left


def test_a_cursor_that_somebody_still_holds_is_not_met_again_at_the_next_close():
    held = connections[ALIAS].cursor()
    with pytest.raises(OperationalError):
        held.execute("SELECT value FROM nowhere")
    connections[ALIAS].close()  # for good, after an error
    assert value() == 0

    connections[ALIAS].close()


def test_an_unfinished_query_does_not_hold_the_next_thread_in_the_past():
    cursors = []

    def read_one_row() -> None:
        cursors.append(connections[ALIAS].cursor())
        cursors[0].execute("SELECT value FROM counter UNION SELECT 2 UNION SELECT 3")
        cursors[0].fetchone()

    execute("INSERT INTO counter (value) VALUES (5)")
    in_thread(read_one_row)
    increment()
    seen: list[int] = []
    in_thread(lambda: seen.append(value()))

    assert seen == [1]


def test_a_database_that_was_made_anew_gets_new_connections(private_database):
    first = connection_of_another_thread()
    forget()
    private_database.unlink()
    execute("CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER)")
    execute("INSERT INTO counter VALUES (1, 42)")

    assert connection_of_another_thread() is not first
    assert value() == 42


def test_its_files_are_for_their_owner_alone(private_database):
    execute("INSERT INTO counter VALUES (2, 0)")

    files = list(private_database.parent.glob("private.sqlite3*"))
    assert {file.name.removeprefix("private.sqlite3") for file in files} == {"", "-wal", "-shm"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_few_connections_are_kept():
    readers = threading.Barrier(idle.LIMIT + 5)
    used = []

    def read_together() -> None:
        value()
        used.append(connections[ALIAS].connection)
        readers.wait(timeout=PATIENCE_SECONDS)

    threads = [start(read_together) for _ in range(readers.parties)]
    for thread in threads:
        thread.join(timeout=PATIENCE_SECONDS)

    assert sum(is_open(connection) for connection in used) == idle.LIMIT


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_forked_child_neither_uses_nor_closes_what_its_parent_opened():
    parents = connection_of_another_thread()

    def check() -> None:
        assert connection_of_another_thread() is not parents
        assert is_open(parents)

    assert in_forked_child(check) == 0
    assert connection_of_another_thread() is parents


def test_a_forked_child_does_not_wait_for_its_parent_s_writers():
    turn = queue().take(connections[ALIAS].connection, timeout=1)
    assert turn

    assert in_forked_child(lambda: in_thread(increment)) == 0
    assert value() == 1
    queue().end(turn)


def in_forked_child(act: Callable[[], None]) -> int:
    """Runs it, and answers the exit code."""
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
