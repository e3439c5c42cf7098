"""Live delivery as the services see it: facts become events, and events are published on topics.

A push is a hint and the database is the truth: whatever is lost here, a client finds by asking for
`changes`. So nothing in the live path retries, stores or acknowledges. What it does promise:

* one subscription a process and topic, one ready-made frame for all sockets that share a face;
* events of a conversation reach a socket in `version` order, or with a hole that it can see;
* whoever is removed by version n is sent nothing from version n + 1 on;
* what was lost without a hole is noticed within a minute, and the sockets are told.

`chatflow.hub` has the sockets, `chatflow.topics` the order and the frames of one topic.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, Protocol

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from chatflow import metrics

logger = logging.getLogger(__name__)

Facts = ParamSpec("Facts")

PUBLISH_SECONDS = 2  # how long a frozen Redis may hold up whoever publishes
SILENT_SECONDS = 3  # and how long nobody tries again
LAYER_EVENT = "realtime.event"


class Face(StrEnum):
    """What a socket wants to be sent."""

    JSON = "json"  # one event a frame
    JSON_BATCH = "json-batch"  # an array of one or more events a frame
    HTML = "html"  # page fragments, as many as there are


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, in every face. `version` orders the events of a topic; 0 needs no order.

    `joins`, `leaves`, `refreshes`, `unwatches`, `catches_up` and `ends` are orders to sockets
    instead of news for people.
    """

    topic: str
    json: str = ""
    html: str = ""
    version: int = 0
    joins: str = ""  # the id of a conversation that the sockets of this topic join
    leaves: Sequence[str] = ()  # ids of users whose sockets leave this topic, before the event
    refreshes: bool = False  # the conversation is shown anew, as each member sees it
    unwatches: str = ""  # the id of a user whose presence the sockets of this topic hear no more
    catches_up: bool = False  # the sockets of this topic are told anew where everything stands
    ends: int = 0  # the close code for the sockets of this topic
    login: str = ""  # `ends` only sockets of this login
    spares: str = ""  # `ends` all but the sockets of this login


class Socket(Protocol):
    """What the hub needs of a consumer; none of it waits for the peer."""

    face: Face
    user_id: str
    login_id: str

    def offer(self, frame: str) -> None: ...

    def catch_up(self) -> asyncio.Task[None]: ...

    def join(self, conversation_id: str) -> None: ...

    def end(self, code: int) -> None: ...


# --- publishing ----------------------------------------------------------------------------------


def announces(build: Callable[Facts, Iterable[Event]]) -> Callable[Facts, None]:
    """Has the events built and published once the transaction is committed, outside its locks."""

    @wraps(build)
    def announce(*args: Facts.args, **kwargs: Facts.kwargs) -> None:
        def after_commit() -> None:
            with override(settings.LANGUAGE_CODE):  # for every eye, whatever the actor speaks
                publish(*build(*args, **kwargs))

        transaction.on_commit(after_commit, robust=True)

    return announce


def publish(*events: Event) -> None:
    """Sends the events in order; a failure is logged, never raised."""
    if not _loop or not _loop.is_running():
        async_to_sync(_send)(events)
        return
    # Not async_to_sync: with a request that hangs up it would cancel what the request did.
    sending = asyncio.run_coroutine_threadsafe(_send(events), _loop)
    try:
        sending.result(PUBLISH_SECONDS + 1)
    except TimeoutError:
        logger.warning("not published in time: the event loop is busy, or stopping")


_loop: asyncio.AbstractEventLoop | None = None
_silent_until = 0.0


def publish_from_here() -> None:
    """Makes the running event loop, the server's, the one that threads publish on.

    Each loop has connections of its own to the layer, and the layer in memory is one loop's only.
    """
    global _loop
    _loop = asyncio.get_running_loop()


def publish_again() -> None:
    """The layer is known to answer: what is said from now on need not be lost."""
    global _silent_until
    _silent_until = 0.0


async def _send(events: Iterable[Event]) -> None:
    """Gives up soon, and once it had to, at once: an act of many events waits for one of them."""
    global _silent_until
    events = list(events)
    if time.monotonic() < _silent_until:
        metrics.events_lost.inc(len(events))
        return
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            for event in events:
                await channel_layer().group_send(event.topic, message_of(event))
        metrics.events_published.inc(len(events))
    except Exception as error:
        metrics.events_lost.inc(len(events))
        _silent_until = time.monotonic() + SILENT_SECONDS
        logger.warning("not published (%s): clients catch up later", type(error).__name__)


# --- the channel layer ---------------------------------------------------------------------------


def channel_layer() -> Any:
    """What carries events from process to process; only the hub listens to it."""
    return get_channel_layer()


class MemoryLayer(InMemoryChannelLayer):
    """Channels' own for a single process, without its look at every topic for each event: nothing
    expires here, because the hub reads at once and says when it leaves."""

    def _clean_expired(self) -> None: ...


def message_of(event: Event) -> dict[str, Any]:
    return {"type": LAYER_EVENT} | {name: value for name, value in asdict(event).items() if value}


def event_of(message: Mapping[str, Any]) -> Event:
    """Whatever it says beyond what we know comes from a process of another version."""
    return Event(**{name: message[name] for name in _FIELDS if name in message})


_FIELDS = [field.name for field in fields(Event)]


# --- topics --------------------------------------------------------------------------------------


def user_topic(user_id: uuid.UUID | str) -> str:
    return f"user.{user_id}"


def conversation_topic(conversation_id: uuid.UUID | str) -> str:
    return f"conversation.{conversation_id}"


def presence_topic(user_id: uuid.UUID | str) -> str:
    return f"presence.{user_id}"


def conversation_of(topic: str) -> str:
    """The id, or nothing for a topic of another kind."""
    kind, _, name = topic.partition(".")
    return name if kind == "conversation" else ""


def presence_of(topic: str) -> str:
    """The id of the user whose presence it is, or nothing."""
    kind, _, name = topic.partition(".")
    return name if kind == "presence" else ""
