"""Connections to PostgreSQL that time out when the server stops answering."""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg.abc import PQGen

Result = TypeVar("Result")

STATEMENT_SECONDS = 10  # enforced by the server while it works
LOCK_SECONDS = 5
ANSWER_SECONDS = STATEMENT_SECONDS + 2

# A server whose machine vanished is noticed within half a minute, also while data is unsent.
TCP = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}

uses_client_timeouts = False


def enable_client_timeouts() -> None:
    """Enable the timeouts, for processes that serve requests. Commands such as migrations may take
    minutes.
    """
    global uses_client_timeouts
    uses_client_timeouts = True


class Connection(psycopg.Connection[psycopg.rows.TupleRow]):
    """A connection that waits at most ANSWER_SECONDS for an answer.

    A frozen server keeps its connections open, so without this limit the wait would not end.
    """

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        if timeout is not None or not uses_client_timeouts:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, ANSWER_SECONDS)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # otherwise the rollback would wait as long again
            raise
