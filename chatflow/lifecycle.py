"""Whether this process is going down, and what has to happen first; the server drives it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

Farewell = Callable[[], Awaitable[None]]

_draining = False
_farewells: list[Farewell] = []


def draining() -> bool:
    """True from the first signal on: balancers should send nobody here any more."""
    return _draining


def on_drain(farewell: Farewell) -> Farewell:
    """Has it awaited once no new connection comes in and before the sockets are closed."""
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
