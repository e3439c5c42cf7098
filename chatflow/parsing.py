"""Small helpers that every API module parses requests with."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.request import Request

from chatflow.errors import DomainError

PAGE = 50
LONGEST_PAGE = 100
MOST_DIGITS = 20  # int() itself refuses thousands of them, with an error of its own


class BadParameter(DomainError):
    code = "bad_parameter"


class TextField(serializers.CharField):
    """A string. DRF's own field takes numbers as well, and nobody is called 5."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class EmailField(TextField, serializers.EmailField):
    pass


class FlagField(serializers.BooleanField):
    """true or false. DRF's own field takes "yes" and 1 as well."""

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


def parsed(
    serializer_class: type[serializers.BaseSerializer[Any]], request: Request, **how: Any
) -> dict[str, Any]:
    """The request's body as the serializer understands it; raises ValidationError."""
    serializer = serializer_class(data=_body_of(request), **how)
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


def _body_of(request: Request) -> Any:
    try:
        return request.data
    except RecursionError:
        raise exceptions.ParseError("The JSON is nested too deep.") from None


def number_of(request: Request, name: str, *, least: int = 0, most: int = 2**62) -> int | None:
    """A whole number of the query string, or None when it is not there."""
    text = request.query_params.get(name)
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    if not is_number or not least <= int(text) <= most:
        raise BadParameter(f"{name} is a whole number from {least} to {most}.", field=name)
    return int(text)


def limit_of(request: Request) -> int:
    return number_of(request, "limit", least=1, most=LONGEST_PAGE) or PAGE


def id_of(request: Request, name: str) -> uuid.UUID | None:
    """A UUID of the query string, or None when it is not there."""
    text = request.query_params.get(name)
    try:
        return uuid.UUID(text) if text is not None else None
    except ValueError:
        raise BadParameter(f"{name} is a UUID.", field=name) from None


def moment_of(request: Request, name: str) -> datetime | None:
    """A time of the query string, or the beginning of a date, in UTC unless it says otherwise."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameter(f"{name} is a time or a date in ISO 8601.", field=name) from None
