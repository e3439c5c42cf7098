"""Parse request bodies and query strings. Used by every API module."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from chatflow.api.cursors import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from chatflow.errors import DomainError

MAX_DIGITS = 20  # int() raises an error of its own for thousands of digits


class BadParameter(DomainError):
    code = "bad_parameter"


class TextField(serializers.CharField):
    """A string. DRF's own field also accepts numbers."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class EmailField(TextField, serializers.EmailField):
    pass


class FlagField(serializers.BooleanField):
    """true or false. DRF's own field also accepts "yes" and 1."""

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


def parsed(
    serializer_class: type[serializers.BaseSerializer[Any]], request: Request, **kwargs: Any
) -> dict[str, Any]:
    """Validate the request's body and return it; raises ValidationError."""
    serializer = serializer_class(data=_body_of(request), **kwargs)
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


def _body_of(request: Request) -> Any:
    try:
        return request.data
    except RecursionError:
        raise exceptions.ParseError("The JSON is nested too deeply.") from None


# --- query strings -------------------------------------------------------------------------------


class QueryNumberField(serializers.IntegerField):
    """A whole number in ASCII digits. DRF's own field also accepts " 5", "5.0" and "٥"."""

    def to_internal_value(self, data: int | float | str) -> int:
        text = str(data)
        if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
            self.fail("invalid")
        return int(text)


class PositionField(QueryNumberField):
    """A `seq` or a `version`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=2**62, **options)


@extend_schema_field(OpenApiTypes.STR)
class QueryTextField(serializers.Field[str, str, str, Any]):
    """Any text, unchanged. The services decide what it means."""

    def to_internal_value(self, data: str) -> str:
        return data


@extend_schema_field({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]})
class MomentField(serializers.Field[datetime, str, str, Any]):
    """A time, or a date that stands for its first moment. UTC unless an offset is given."""

    default_error_messages = {"invalid": _("Enter a time or date in ISO 8601 format.")}

    def to_internal_value(self, data: str) -> datetime:
        try:
            moment = datetime.fromisoformat(data)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")


class LimitQuery(serializers.Serializer[Any]):
    limit = QueryNumberField(
        min_value=1,
        max_value=MAX_PAGE_SIZE,
        default=DEFAULT_PAGE_SIZE,
        help_text="Results per page.",
    )


class PageQuery(LimitQuery):
    cursor = QueryTextField(default="", help_text="The `next` value of the previous page.")


def parsed_query(
    serializer_class: type[serializers.Serializer[Any]], request: Request
) -> dict[str, Any]:
    """Validate the query string and return it; raises BadParameter.

    The same serializer describes the parameters in the OpenAPI schema.
    """
    serializer = serializer_class(data=request.query_params.dict())
    if serializer.is_valid():
        query: dict[str, Any] = serializer.validated_data
        return query
    name, messages = next(iter(serializer.errors.items()))
    raise BadParameter(str(messages[0]), field="" if name == "non_field_errors" else name)
