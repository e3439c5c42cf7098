"""A bound on how many do something at once: in threads, or on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import BoundedSemaphore

from chatflow.errors import Unavailable


class Places:
    """So many at once; whoever finds none, or waits too long for one, is told to come back.

    Without patience nobody waits, so that it may be asked on the event loop.
    """

    def __init__(self, most: int, *, patience_seconds: float = 0) -> None:
        self._free = BoundedSemaphore(most)
        self._patience = patience_seconds

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Raises Unavailable."""
        if not self._free.acquire(timeout=self._patience):
            raise Unavailable
        try:
            yield
        finally:
            self._free.release()


class WaitingRoom:
    """The same for an event loop, on which others wait for their turn, first come first served."""

    def __init__(self, most: int, *, patience_seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._patience = patience_seconds

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Raises Unavailable."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable from None
        try:
            yield
        finally:
            self._free.release()
