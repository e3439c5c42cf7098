"""Overload: requests that cannot be served now are answered 503 and succeed when repeated."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from chatflow.server.admission import MOST_REQUESTS
from tests.resilience.servers import Variables, until
from tests.resilience.writers import Writer, Writing, assert_complete

MANY = MOST_REQUESTS + 100


async def test_locked_database_answers_503_while_reads_continue(on_either, serve, people):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    writing = Writing.of(conversation, alice, each=4)

    with locked(on_either):
        waiting = asyncio.create_task(writing.write(4))
        await until(lambda: alice.statuses[503])
        assert await bob.history(conversation) == []
    await waiting

    assert_complete(await bob.history(conversation), writing.acknowledged)


async def test_overload_is_answered_503_until_all_are_served(on_either, serve, people, figure):
    server = serve(on_either)
    alice, bob = await people(server, "alice", "bob")
    conversation = await alice.start_direct(bob)
    names = [f"alice {number}" for number in range(MANY)]
    writing = Writing(*(Writer(alice, conversation, name) for name in names))

    with locked(on_either):  # nobody gets through while all of them come
        flood = asyncio.create_task(writing.write(MANY))
        await until(lambda: alice.statuses[503])
    await flood

    history = await bob.history(conversation)
    assert_complete(history, writing.acknowledged)
    assert len(history) == MANY
    figure("answers", str(dict(alice.statuses)))
    figure("slowest", f"{alice.longest_seconds:.1f} s")


@contextmanager
def locked(variables: Variables) -> Iterator[None]:
    """Hold the write lock of the database."""
    if url := variables.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE conversations_conversation IN EXCLUSIVE MODE")
            yield
    else:
        database = Path(variables["DATA_DIR"]) / "chatflow.sqlite3"
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
