"""Whether this process is shutting down, and functions to call before its sockets are closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

Farewell = Callable[[], Awaitable[None]]

_draining = False
_farewells: list[Farewell] = []


def draining() -> bool:
    """Return True from the first signal on: load balancers should send no more requests here."""
    return _draining


def on_drain(farewell: Farewell) -> Farewell:
    """Register a function to await after the last new connection and before sockets are closed."""
    _farewells.append(farewell)
    return farewell


def start_draining() -> None:
    global _draining
    _draining = True


async def say_farewell() -> None:
    results = await asyncio.gather(*(bid() for bid in _farewells), return_exceptions=True)
    for error in results:
        if isinstance(error, Exception):
            logger.error("a farewell failed", exc_info=error)
