"""A PostgreSQL that does not answer is given up on, by whatever serves people."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from chatflow import postgres

pytestmark = pytest.mark.services


@pytest.fixture
def connection(monkeypatch) -> Iterator[postgres.Connection]:
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.2)
    with postgres.Connection.connect(os.environ["DATABASE_URL"], dbname="postgres") as connection:
        yield connection


def test_a_server_that_is_silent_is_waited_for_no_longer(connection, monkeypatch):
    monkeypatch.setattr(postgres, "_people_wait", True)
    start = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT pg_sleep(60)")

    assert time.monotonic() - start < 30
    assert connection.closed, "a rollback would have waited as long again"


def test_a_query_that_fails_in_time_keeps_its_connection(connection, monkeypatch):
    monkeypatch.setattr(postgres, "_people_wait", True)

    with pytest.raises(psycopg.errors.LockNotAvailable):
        connection.execute("DO $$ BEGIN RAISE lock_not_available; END $$")
    connection.rollback()

    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_command_takes_its_time(connection, monkeypatch):
    monkeypatch.setattr(postgres, "_people_wait", False)

    assert connection.execute("SELECT 1 FROM pg_sleep(1)").fetchone() == (1,)


def test_it_is_what_the_pool_makes():
    options = settings.DATABASES["default"]["OPTIONS"]

    assert options["pool"]["connection_class"] is postgres.Connection
    assert options["tcp_user_timeout"] == 30_000
