"""Publish events through the channel layer: after the commit, in order, never raising."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from chatflow.live.events import Event, to_message
from chatflow.operations import metrics

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")

PUBLISH_SECONDS = 2  # how long a frozen Redis may delay the request that publishes
CIRCUIT_BREAKER_SECONDS = 3  # how long events are dropped after a failure


def publish_after_commit(
    build_events: Callable[Arguments, Iterable[Event]],
) -> Callable[Arguments, None]:
    """Make the function publish the events it yields, after the transaction has committed."""

    @wraps(build_events)
    def schedule(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        def after_commit() -> None:
            with override(settings.LANGUAGE_CODE):  # all readers get the same event
                publish(*build_events(*args, **kwargs))

        transaction.on_commit(after_commit, robust=True)

    return schedule


@contextmanager
def publishing_together() -> Iterator[None]:
    """Publish the events of several transactions in one step, at the end of the block.

    A step is a change to the event loop's thread and back, which costs more than an event.
    """
    events: list[Event] = []
    previous = _together.set(events)
    try:
        yield
    finally:
        _together.reset(previous)
        publish(*events)


_together: ContextVar[list[Event] | None] = ContextVar("_together", default=None)


def publish(*events: Event) -> None:
    """Send the events in order. A failure is logged, never raised."""
    if (together := _together.get()) is not None:
        together.extend(events)
        return
    if not events:
        return
    if not _loop or not _loop.is_running():
        async_to_sync(apublish)(*events)
        return
    # async_to_sync would run this in the task of the request, whose end would cancel it.
    sending = asyncio.run_coroutine_threadsafe(apublish(*events), _loop)
    try:
        sending.result(PUBLISH_SECONDS + 1)
    except TimeoutError:
        logger.warning("not published in time: the event loop is busy, or stopping")


_loop: asyncio.AbstractEventLoop | None = None
_circuit_open_until = 0.0


def bind_event_loop() -> None:
    """Let threads publish on the running event loop. The server calls this when it starts.

    Each loop has its own connections to the layer, and the in-memory layer belongs to one loop.
    """
    global _loop
    _loop = asyncio.get_running_loop()


def reset_circuit_breaker() -> None:
    """Stop dropping events, because the layer answers again."""
    global _circuit_open_until
    _circuit_open_until = 0.0


async def apublish(*events: Event) -> None:
    """Send the events in order, on the running loop. A failure is logged, never raised.

    After a failure, a circuit breaker drops events for a while. Without it, an action with many
    events would wait for the timeout once for each of them.
    """
    global _circuit_open_until
    if time.monotonic() < _circuit_open_until:
        metrics.events_lost.inc(len(events))
        return
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            for event in events:
                await channel_layer().group_send(event.topic, to_message(event))
        metrics.events_published.inc(len(events))
    except Exception as error:
        metrics.events_lost.inc(len(events))
        _circuit_open_until = time.monotonic() + CIRCUIT_BREAKER_SECONDS
        logger.warning("not published (%s): clients catch up later", type(error).__name__)


def channel_layer() -> Any:
    """Return the layer that carries events between processes. Only the hub receives from it."""
    return get_channel_layer()


class MemoryLayer(InMemoryChannelLayer):
    """An in-memory layer without expiry, whose check would visit every topic for each event.

    It is not needed: the hub receives messages immediately and discards groups that it leaves.
    """

    def _clean_expired(self) -> None: ...
