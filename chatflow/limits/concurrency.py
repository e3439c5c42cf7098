"""Limits on concurrent operations, for threads and for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import BoundedSemaphore

from chatflow.errors import Unavailable


class ConcurrencyLimit:
    """A bounded semaphore with a timeout.

    By default it does not wait, so the event loop may use it too. The number of waiting threads is
    limited by the fixed number of worker threads.
    """

    def __init__(self, most: int, *, patience_seconds: float = 0) -> None:
        self._free = BoundedSemaphore(most)
        self._patience = patience_seconds

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold one of the places. Raises Unavailable if none becomes free in time."""
        if not self._free.acquire(timeout=self._patience):
            raise Unavailable
        try:
            yield
        finally:
            self._free.release()


class AsyncConcurrencyLimit:
    """The same for tasks on the event loop, which wait in the order of arrival."""

    def __init__(self, most: int, *, patience_seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._patience = patience_seconds

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold one of the places. Raises Unavailable if none becomes free in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable from None
        try:
            yield
        finally:
            self._free.release()
