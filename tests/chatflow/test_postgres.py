"""Serving processes time out when PostgreSQL does not answer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from chatflow.db import postgres

pytestmark = pytest.mark.services


@pytest.fixture
def connection(monkeypatch) -> Iterator[postgres.Connection]:
    monkeypatch.setattr(postgres, "ANSWER_SECONDS", 0.2)
    with postgres.Connection.connect(os.environ["DATABASE_URL"], dbname="postgres") as connection:
        yield connection


def test_silent_server_times_out(connection, monkeypatch):
    monkeypatch.setattr(postgres, "uses_client_timeouts", True)
    start = time.monotonic()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT pg_sleep(60)")

    assert time.monotonic() - start < 30
    assert connection.closed, "a rollback would have waited as long again"


def test_failed_query_keeps_its_connection(connection, monkeypatch):
    monkeypatch.setattr(postgres, "uses_client_timeouts", True)

    with pytest.raises(psycopg.errors.LockNotAvailable):
        connection.execute("DO $$ BEGIN RAISE lock_not_available; END $$")
    connection.rollback()

    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_management_commands_have_no_client_timeout(connection, monkeypatch):
    monkeypatch.setattr(postgres, "uses_client_timeouts", False)

    assert connection.execute("SELECT 1 FROM pg_sleep(1)").fetchone() == (1,)


def test_pool_uses_the_connection_class():
    options = settings.DATABASES["default"]["OPTIONS"]

    assert options["pool"]["connection_class"] is postgres.Connection
    assert options["tcp_user_timeout"] == 30_000
