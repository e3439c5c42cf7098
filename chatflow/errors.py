"""What can go wrong, once, and how each interface says it: problem+json, a page, a socket frame."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

logger = logging.getLogger(__name__)

Text = str | Promise  # a translation is looked up when it is shown

PROBLEM_TYPE = "application/problem+json"
CSRF_FIELD = "csrfmiddlewaretoken"
SECRET_FIELDS = {"password", "current", "new"}
API_PREFIXES = ("/auth/", "/users", "/avatars/", "/conversations", "/messages", "/schema")


class DomainError(Exception):
    """A rule said no. `code` is stable and for programs, the message is for people."""

    code = "invalid"
    status: int = HTTPStatus.BAD_REQUEST
    message: Text = gettext_lazy("This cannot be done.")

    def __init__(self, message: Text = "", *, field: str = "") -> None:
        self.message = str(message or self.message)
        self.field = field
        super().__init__(self.message)


class NotFound(DomainError):
    """Also for what exists but is none of the asker's business: both look alike from outside."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    message = gettext_lazy("There is no such thing here.")


class Forbidden(DomainError):
    code = "forbidden"
    status = HTTPStatus.FORBIDDEN
    message: Text = gettext_lazy("You may not do this.")


class Conflict(DomainError):
    code = "conflict"
    status = HTTPStatus.CONFLICT
    message: Text = gettext_lazy("This conflicts with what is there.")


class Unavailable(DomainError):
    """The database is away or too busy: nothing was written, and trying again is right."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = gettext_lazy("This does not work at the moment. Try again in a few seconds.")
    wait = 2  # seconds


def translated(error: Exception) -> Exception:
    """A database that cannot be reached, is locked or takes too long is Unavailable."""
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.warning("the database is unavailable: %s", type(error.__cause__ or error).__name__)
        return Unavailable()
    return error


def problem(
    status: int, detail: str = "", *, code: str = "", errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """An RFC 9457 problem; also the body of a socket's `error` frame."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": f"urn:chatflow:{code}" if code else "about:blank",
        "title": title,
        "status": int(status),
        "detail": detail or title,
    }
    return body | {"errors": errors} if errors else body


def problem_of(error: DomainError) -> dict[str, Any]:
    message = str(error.message)
    errors = {error.field: [message]} if error.field else None
    return problem(error.status, message, code=error.code, errors=errors)


# --- the JSON API --------------------------------------------------------------------------------


class ProblemRenderer(JSONRenderer):
    media_type = PROBLEM_TYPE
    ensure_ascii = True  # what was sent may be quoted, and half a character has no UTF-8


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; what it does not know is left to `server_error`."""
    error = translated(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(_messages_of(error))
    if isinstance(error, RequestDataTooBig):
        body = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is larger than 1 MiB.")
    elif isinstance(error, DomainError):
        body = problem_of(error)
    elif isinstance(error, exceptions.APIException):
        body = _problem_of_api_exception(error)
    else:
        return None
    # Otherwise the view's renderer writes it: the browsable API as HTML, a picture's not at all.
    request = context["request"]
    request.accepted_renderer, request.accepted_media_type = ProblemRenderer(), PROBLEM_TYPE
    return Response(
        body, status=body["status"], headers=headers_of(error), content_type=PROBLEM_TYPE
    )


def problem_of_validation(error: exceptions.ValidationError) -> dict[str, Any]:
    errors = _flat(error.detail)
    detail = next(iter(errors.values()), [""])[0]
    return problem(error.status_code, detail, code="invalid", errors=errors)


def _problem_of_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem_of_validation(error)
    return problem(error.status_code, str(error.detail), code=str(error.get_codes()))


def _messages_of(error: DjangoValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else error.messages


def _flat(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """{field: [message, …]} however deep DRF nested it; list items are named `members.0`."""
    items: Iterable[tuple[Any, Any]]
    if isinstance(detail, dict):
        items = detail.items()
    elif isinstance(detail, list) and any(isinstance(item, (dict, list)) for item in detail):
        items = enumerate(detail)
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return {prefix or "non_field_errors": [str(message) for message in messages]}
    flat: dict[str, list[str]] = {}
    for key, value in items:
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key)) if value else {}
    return flat


def headers_of(error: Exception) -> dict[str, str]:
    """What an answer says about its error beside the body."""
    headers = {}
    if challenge := getattr(error, "auth_header", ""):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return headers


# --- pages, and whatever never reached a view ----------------------------------------------------


class DomainErrorMiddleware:
    """Lets pages raise DomainError as freely as the API does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        error = translated(error)
        if isinstance(error, DomainError):
            response = error_response(request, error.status, str(error.message))
            for name, value in headers_of(error).items():
                response[name] = value
            return response
        if isinstance(error, RequestDataTooBig):
            return error_response(request, 413, _("The request is too large."))
        return None


def error_response(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """A page for people, a problem for programs."""
    body = problem(status, detail)
    if _wants_page(request):
        context = {"problem": body, "again": _fields_to_send_again(request, status)}
        return render(request, "error.html", context, status=status)
    return HttpResponse(json.dumps(body), status=status, content_type=PROBLEM_TYPE)


def _fields_to_send_again(request: HttpRequest, status: int) -> list[tuple[str, str]]:
    """What a form said that came too soon. Nothing of one with a password or a file in it."""
    if status != HTTPStatus.TOO_MANY_REQUESTS or request.method != "POST" or request.FILES:
        return []
    fields = [(name, text) for name, texts in request.POST.lists() for text in texts]
    fields = [(name, str(text)) for name, text in fields if name != CSRF_FIELD]
    return [] if SECRET_FIELDS & request.POST.keys() else fields


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return error_response(request, 500, _("Something broke on our side. It has been logged."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_response(request, 403, _("This form is out of date. Reload the page, try again."))


def _wants_page(request: HttpRequest) -> bool:
    return not request.path.startswith(API_PREFIXES) and request.accepts("text/html")
