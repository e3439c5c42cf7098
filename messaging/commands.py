"""What a client may ask over the socket: each parses its frame and calls what the API calls."""

from __future__ import annotations

import json
import logging
import math
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts import presence
from accounts.models import User
from accounts.names import canonical
from accounts.serializers import presence_json
from chatflow import limits
from chatflow.errors import (
    DomainError,
    NotFound,
    problem,
    problem_of,
    problem_of_validation,
    translated,
)
from chatflow.limits import Pace, TooMany, spend
from chatflow.parsing import FlagField, TextField
from conversations.access import contacts_among, find_membership
from conversations.models import Membership
from messaging import events, history
from messaging.receipts import acknowledge
from messaging.serializers import (
    IdField,
    NewMessageSerializer,
    NumberField,
    ReceiptSerializer,
    message_json,
)
from messaging.services import send_message

logger = logging.getLogger(__name__)

Frame = dict[str, Any]

MOST_WATCHED = 500


class BadFrame(DomainError):
    code = "bad_frame"
    message = "A frame is one JSON object, as text."


class BadRef(DomainError):
    code = "bad_ref"
    message = "A ref is text, a number, true, false or null."


class UnknownCommand(DomainError):
    code = "unknown_command"
    message = "There is no such command."


class SendFrame(NewMessageSerializer):
    id = IdField()


class TypingFrame(serializers.Serializer[Any]):
    active = FlagField()


class WatchFrame(serializers.Serializer[Any]):
    users = serializers.ListField(child=TextField(max_length=150), max_length=MOST_WATCHED)


class ChangesFrame(serializers.Serializer[Any]):
    since = NumberField(min_value=0, max_value=2**62)


def run_frame(user: User, text: str, pace: Pace) -> list[Frame]:
    """One answer to one frame. `pace` is that of the socket: its frames are limited, too."""
    return [_run(user, _parsed_text(text), pace)]


def run_frames(user: User, text: str, pace: Pace) -> list[Frame]:
    """One answer to each of an array of frames, or to one that comes alone."""
    frames = _parsed_text(text)
    several = frames if frames and isinstance(frames, list) else [frames]
    return [_run(user, frame, pace) for frame in several]


def _parsed_text(text: str) -> object:
    """None for what is not JSON; Python by itself would take NaN and Infinity for numbers."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _run(user: User, frame: object, pace: Pace) -> Frame:
    """An `ack`, or an `error` that says why not; both echo the frame's `ref`."""
    ref = frame.get("ref") if isinstance(frame, dict) else None
    ref = ref if _is_scalar(ref) else None
    try:
        pace.spend()
        return {"type": "ack", "ref": ref} | _carry_out(user, frame)
    except Exception as error:
        refusal = _refusal(translated(error))
    # `type` says that the frame is an error, so the problem's own becomes `code`.
    return {"type": "error", "ref": ref, "code": refusal.pop("type")} | refusal


def _refusal(error: Exception) -> Frame:
    if isinstance(error, TooMany):
        return problem_of(error) | {"retry_after": error.wait}
    if isinstance(error, DomainError):
        return problem_of(error)
    if isinstance(error, ValidationError):
        return problem_of_validation(error)
    logger.error("a command failed", exc_info=error)
    return problem(500, "Something broke on our side. It has been logged.")


def _carry_out(user: User, frame: object) -> Frame:
    if not isinstance(frame, dict):
        raise BadFrame
    if not _is_scalar(frame.get("ref")):
        raise BadRef
    name = frame.get("type")
    if not isinstance(name, str) or name not in COMMANDS:
        raise UnknownCommand
    return COMMANDS[name](user, frame)


def _is_scalar(value: object) -> bool:
    """That can be echoed: 1e999 is a number to JSON, and infinite to us."""
    return value is None or isinstance(value, (str, int)) or _is_finite(value)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


# --- the commands --------------------------------------------------------------------------------


def _send(user: User, frame: Frame) -> Frame:
    wanted = _parsed(SendFrame, frame)
    message, _is_new = send_message(
        membership=_membership(user, frame),
        body=wanted["body"],
        message_id=wanted["id"],
        reply_to=wanted.get("reply_to"),
    )
    return {"message": message_json(message)}


def _receipt(user: User, frame: Frame) -> Frame:
    watermarks = _parsed(ReceiptSerializer, frame)
    acknowledge(membership=_membership(user, frame), **watermarks)
    return {}


def _typing(user: User, frame: Frame) -> Frame:
    active = _parsed(TypingFrame, frame)["active"]
    spend(limits.TYPING, person=user.id)
    events.typing(membership=_membership(user, frame), active=active)
    return {}


def _changes(user: User, frame: Frame) -> Frame:
    since = _parsed(ChangesFrame, frame)["since"]
    changes = history.changes(_membership(user, frame), since)
    return {
        "messages": [message_json(message) for message in changes.messages],
        "version": changes.version,
        "more": changes.more,
    }


def _watch(user: User, frame: Frame) -> Frame:
    """Where these people are, as far as the asker may know; the socket is told of every change.

    The asker is read anew: they may have hidden, or shown themselves again, a moment ago.
    """
    user = User.objects.get(id=user.id)
    names = [canonical(name) for name in _parsed(WatchFrame, frame)["users"]]
    people = contacts_among(user, User.objects.reachable().filter(username__in=names))
    known = presence.seen_by(user, people, contacts={person.id for person in people})
    return {
        "presence": [
            presence_json(person, known[person.id]) for person in people if person.id in known
        ]
    }


def _ping(user: User, frame: Frame) -> Frame:
    return {}


COMMANDS: dict[str, Callable[[User, Frame], Frame]] = {
    "message.send": _send,
    "receipt": _receipt,
    "typing": _typing,
    "changes": _changes,
    "watch": _watch,
    "ping": _ping,
}


def _membership(user: User, frame: Frame) -> Membership:
    try:
        conversation_id = uuid.UUID(str(frame.get("conversation")))
    except ValueError:
        raise NotFound from None
    return find_membership(user, conversation_id)


def _parsed(serializer_class: type[serializers.Serializer[Any]], frame: Frame) -> Frame:
    serializer = serializer_class(data=frame)
    serializer.is_valid(raise_exception=True)
    parsed: Frame = serializer.validated_data
    return parsed
