"""The commands of clients: each parses its frame and calls the same service as the API."""

from __future__ import annotations

import json
import logging
import math
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts import presence
from accounts.models import User
from accounts.names import canonical
from accounts.serializers import presence_json
from chatflow.api.parsing import FlagField, TextField
from chatflow.errors import (
    DomainError,
    NotFound,
    problem,
    problem_of,
    problem_of_validation,
    translated,
)
from chatflow.limits import policy as limits
from chatflow.limits.policy import RateMeter, TooMany, consume
from conversations.access import find_membership
from conversations.models import Membership
from messaging import events, history
from messaging.receipts import Receipt
from messaging.serializers import (
    IdField,
    NewMessageSerializer,
    NumberField,
    ReceiptSerializer,
    changes_json,
    message_json,
)
from messaging.services import send_message
from messaging.sockets.frames import Frame
from messaging.sockets.presence_broadcaster import watchable

logger = logging.getLogger(__name__)

MAX_WATCHED = 500
MAX_COMMANDS = 500  # in one frame, as large as the burst that the rate limit allows


class BadFrame(DomainError):
    code = "bad_frame"
    message = "A frame must be one JSON object, sent as text."


class BadRef(DomainError):
    code = "bad_ref"
    message = "A ref must be a string, a number, a boolean or null."


class UnknownCommand(DomainError):
    code = "unknown_command"
    message = "Unknown command."


class SendFrame(NewMessageSerializer):
    id = IdField()


class TypingFrame(serializers.Serializer[Any]):
    active = FlagField()


class WatchFrame(serializers.Serializer[Any]):
    users = serializers.ListField(child=TextField(max_length=150), max_length=MAX_WATCHED)


class ChangesFrame(serializers.Serializer[Any]):
    since = NumberField(min_value=0, max_value=2**62)


def run_frame(user: User, text: str, rate: RateMeter) -> list[Frame]:
    """Run the command of one frame and return its answer. `rate` limits the frames of a socket."""
    return [_run(user, _parsed_text(text), rate)]


def run_frames(user: User, text: str, rate: RateMeter) -> Iterator[Frame]:
    """Run the commands of an array, or a single one, and yield an answer to each.

    Each command runs when its answer is consumed. An array that is too long is refused as a whole.
    """
    parsed = _parsed_text(text)
    frames = parsed if parsed and isinstance(parsed, list) else [parsed]
    if len(frames) > MAX_COMMANDS:
        frames = [None]
    for frame in frames:
        yield _run(user, frame, rate)


def _parsed_text(text: str) -> object:
    """Return None for invalid JSON. Python would accept NaN and Infinity, which JSON excludes."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _run(user: User, frame: object, rate: RateMeter) -> Frame:
    """Return an `ack` or an `error`, each with the frame's `ref`."""
    ref = frame.get("ref") if isinstance(frame, dict) else None
    ref = ref if _is_scalar(ref) else None
    try:
        rate.consume()
        return {"type": "ack", "ref": ref} | _execute(user, frame)
    except Exception as error:
        return refused(ref, error)


def refused(ref: object, error: Exception) -> Frame:
    """Return the answer to a command that failed."""
    refusal = _refusal(translated(error))
    # A frame has a `type` of its own, so the type of the problem is sent as `code`.
    return {"type": "error", "ref": ref, "code": refusal.pop("type")} | refusal


def _refusal(error: Exception) -> Frame:
    if isinstance(error, TooMany):
        return problem_of(error) | {"retry_after": error.wait}
    if isinstance(error, DomainError):
        return problem_of(error)
    if isinstance(error, ValidationError):
        return problem_of_validation(error)
    logger.error("a command failed", exc_info=error)
    return problem(500, "A server error occurred. It has been logged.")


def _execute(user: User, frame: object) -> Frame:
    if not isinstance(frame, dict):
        raise BadFrame
    if not _is_scalar(frame.get("ref")):
        raise BadRef
    name = frame.get("type")
    if not isinstance(name, str) or name not in COMMANDS:
        raise UnknownCommand
    return COMMANDS[name](user, frame)


def _is_scalar(value: object) -> bool:
    """Return whether JSON can represent the value. Python parses 1e999 as infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))


# --- the commands --------------------------------------------------------------------------------


def _send(user: User, frame: Frame) -> Frame:
    fields = _parsed(SendFrame, frame)
    membership = _membership(user, frame)
    message, _is_new = send_message(
        membership=membership,
        body=fields["body"],
        message_id=fields["id"],
        reply_to=fields.get("reply_to"),
        attachments=fields.get("attachments", ()),
    )
    return {"message": message_json(message, since_seq=membership.since_seq)}


def _receipt(user: User, frame: Frame) -> Frame:
    """Return the receipt, which the consumer records before it sends the answer."""
    watermarks = _parsed(ReceiptSerializer, frame)
    return {"receipt": Receipt(_membership(user, frame), **watermarks)}


def _typing(user: User, frame: Frame) -> Frame:
    active = _parsed(TypingFrame, frame)["active"]
    consume(limits.TYPING, person=user.id)
    events.typing(membership=_membership(user, frame), active=active)
    return {}


def _changes(user: User, frame: Frame) -> Frame:
    since = _parsed(ChangesFrame, frame)["since"]
    membership = _membership(user, frame)
    return changes_json(membership, history.changes(membership, since))


def _watch(user: User, frame: Frame) -> Frame:
    """Return the presence of the users who may be watched. The consumer subscribes to it."""
    names = [canonical(name) for name in _parsed(WatchFrame, frame)["users"]]
    people = watchable(user, User.objects.filter(username__in=names))
    presences = presence.presence_among(people)
    return {"presence": [presence_json(person, presences[person.id]) for person in people]}


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
