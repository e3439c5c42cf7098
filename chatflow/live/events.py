"""What is published: events, the control messages they carry, and the names of topics."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from django.utils.html import format_html

MESSAGE_TYPE = "realtime.event"
MAX_SEQ = 2**63


@dataclass(frozen=True, slots=True)
class Join:
    """The sockets of this topic subscribe to a conversation."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The sockets of these users unsubscribe from this topic before the event is delivered. The
    conversation is refreshed for the others."""

    user_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Refresh:
    """The sockets of this topic receive the conversation again, each as its member sees it."""


@dataclass(frozen=True, slots=True)
class HidePresence:
    """The sockets of this topic stop watching a user. Only those that were watching receive the
    event, because it would tell the others that something has happened."""

    user_id: str


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The sockets of this topic read their state again and report it to their clients."""


@dataclass(frozen=True, slots=True)
class Close:
    """The sockets of this topic close: all, those of one login, or all except those of one."""

    code: int
    login_id: str = ""
    except_login_id: str = ""

    def applies_to(self, login_id: str) -> bool:
        return self.login_id in ("", login_id) and self.except_login_id != login_id


Control = Join | Unsubscribe | Refresh | HidePresence | CatchUp | Close


@dataclass(frozen=True, slots=True)
class Event:
    """One change, ready to send in every encoding.

    `version` orders the events of a topic; events with version 0 need no order. `seq` belongs to
    the message in the event and `quotes` is the seq of the message that it quotes, or 0; members
    who joined after them receive a variant. `control` says what else the topic has to do.
    """

    topic: str
    json: str = ""
    html: str = ""
    version: int = 0
    seq: int = 0
    quotes: int = 0
    json_unquoted: str = ""  # without the quoted message, as is html_unquoted
    html_unquoted: str = ""
    control: Control | None = None

    @property
    def oldest_seq(self) -> int:
        """The seq of the oldest message in the event, or 0 if it contains none."""
        return self.quotes or self.seq

    def variants(self) -> list[tuple[range, Event]]:
        """Return pairs of a `since_seq` range and the event for members whose view begins there."""
        if not self.seq:
            return [(range(MAX_SEQ), self)]
        variants = [(range(self.oldest_seq), self), (range(self.seq, MAX_SEQ), version_only(self))]
        if self.quotes:
            unquoted = replace(self, json=self.json_unquoted, html=self.html_unquoted)
            variants.append((range(self.quotes, self.seq), unquoted))
        return variants


def version_only(event: Event) -> Event:
    """Return the event for members who may not see the message. It contains only the version, so
    that their clients see no gap."""
    conversation_id = conversation_of(event.topic)
    payload = {"type": "version", "conversation": conversation_id, "version": event.version}
    html = '<live-version data-conversation="{}" data-version="{}"></live-version>'
    return Event(
        event.topic,
        json=json.dumps(payload),
        html=format_html(html, conversation_id, event.version),
        version=event.version,
    )


# --- serialization -------------------------------------------------------------------------------


def to_message(event: Event) -> dict[str, Any]:
    """Return the event as a message of the channel layer."""
    message = {name: value for name, value in asdict(event).items() if value}
    if event.control:
        message["control"] = {"kind": type(event.control).__name__} | asdict(event.control)
    return {"type": MESSAGE_TYPE} | message


def from_message(message: Mapping[str, Any]) -> Event:
    """Return the event of a message. Fields and control messages of later releases are ignored."""
    known = _known_fields(Event, message)
    control = message.get("control", {})
    kind = _CONTROLS.get(control.get("kind"))
    return Event(**known | {"control": kind and kind(**_known_fields(kind, control))})


_CONTROLS = {kind.__name__: kind for kind in get_args(Control)}


def _known_fields(record: type[Any], message: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: message[each.name] for each in fields(record) if each.name in message}


# --- topics --------------------------------------------------------------------------------------


def user_topic(user_id: uuid.UUID | str) -> str:
    return f"user.{user_id}"


def conversation_topic(conversation_id: uuid.UUID | str) -> str:
    return f"conversation.{conversation_id}"


def presence_topic(user_id: uuid.UUID | str) -> str:
    return f"presence.{user_id}"


def conversation_of(topic: str) -> str:
    """Return the id of the topic's conversation, or "" for a topic of another kind."""
    kind, _, name = topic.partition(".")
    return name if kind == "conversation" else ""


def presence_of(topic: str) -> str:
    """Return the id of the user whose presence the topic reports, or "" for another kind."""
    kind, _, name = topic.partition(".")
    return name if kind == "presence" else ""
