"""Gather the receipts that arrive over the sockets of this process, and write them together.

After a message, a receipt of each of its readers follows within a moment. Written one by one, each
would be a commit, and all of them would ask for the conversation's slowest member.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from weakref import WeakKeyDictionary

from chatflow.live.sockets import in_thread
from chatflow.server import lifecycle
from messaging.receipts import Receipt, acknowledge_all

GATHER_SECONDS = 0.1
MOST_RECEIPTS = 100  # in a transaction, which keeps their rows locked


class _Batch:
    """Receipts that are written together, after GATHER_SECONDS or when there are enough."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.is_closed = asyncio.Event()
        # Without the context of the socket that sent the first receipt.
        self.written = Context().run(asyncio.create_task, self._write())

    def add(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        if len(self.receipts) == MOST_RECEIPTS:
            self.is_closed.set()

    async def _write(self) -> dict[Receipt, Exception]:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.is_closed.wait(), GATHER_SECONDS)
        self.is_closed.set()
        try:
            return await in_thread(acknowledge_all, self.receipts)
        finally:
            _unwritten_batches().remove(self)


_batches: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Batch]] = WeakKeyDictionary()


def _unwritten_batches() -> list[_Batch]:
    """Return those of the running event loop, the newest at the end."""
    return _batches.setdefault(asyncio.get_running_loop(), [])


async def record(receipt: Receipt) -> None:
    """Return once the receipt is committed, or raise the error that prevented it.

    The receipt is written even if the caller is cancelled because its client is gone.
    """
    batches = _unwritten_batches()
    if not batches or batches[-1].is_closed.is_set():
        batches.append(_Batch())
    batch = batches[-1]
    batch.add(receipt)
    failures = await asyncio.shield(batch.written)
    if error := failures.get(receipt):
        raise error


@lifecycle.on_drain
async def write_gathered() -> None:
    """Write the receipts that are waiting, because the process is about to end."""
    batches = list(_unwritten_batches())
    for batch in batches:
        batch.is_closed.set()
    await asyncio.gather(*(batch.written for batch in batches))
