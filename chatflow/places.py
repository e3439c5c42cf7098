"""A bound on how many do something at once, on the event loop or in threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
