"""Connections to PostgreSQL that give up on a server which has stopped to answer."""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg.abc import PQGen

Result = TypeVar("Result")

STATEMENT_SECONDS = 10  # the server's own bound, when it is well
LOCK_SECONDS = 5
ANSWER_SECONDS = STATEMENT_SECONDS + 2

# A peer whose machine vanished is noticed within half a minute, a full queue to it as well.
TCP = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}

_people_wait = False


def people_wait() -> None:
    """Said by whatever serves people. Commands may take their time: an index needs minutes."""
    global _people_wait
    _people_wait = True


class Connection(psycopg.Connection[psycopg.rows.TupleRow]):
    """A frozen server keeps its connections open, so neither it nor TCP would ever end the wait."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        if timeout is not None or not _people_wait:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, ANSWER_SECONDS)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()  # or the rollback would wait as long again
            raise
