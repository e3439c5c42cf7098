"""Domain errors, and how each interface reports them: problem+json, an HTML page, a socket frame.

Services raise `DomainError`s. `problem_response` answers API requests, `DomainErrorMiddleware` and
the handlers at the end answer pages.
"""

from __future__ import annotations

import errno
import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import (
    Resolver404,
    URLPattern,
    URLResolver,
    get_resolver,
    resolve,
    reverse,
)
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

logger = logging.getLogger(__name__)

Text = str | Promise  # a lazy translation is looked up when it is shown

PROBLEM_TYPE = "application/problem+json"
CSRF_FIELD = "csrfmiddlewaretoken"
SECRET_FIELDS = {"password", "current", "new"}


class DomainError(Exception):
    """A broken rule. `code` is stable and meant for programs, `message` for people."""

    code = "invalid"
    status: int = HTTPStatus.BAD_REQUEST
    message: Text = gettext_lazy("This is not possible.")

    def __init__(self, message: Text = "", *, field: str = "") -> None:
        self.message = str(message or self.message)
        self.field = field
        super().__init__(self.message)


class NotFound(DomainError):
    """Something does not exist, or the current user may not see it. Both look the same."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    message = gettext_lazy("Not found.")


class Forbidden(DomainError):
    code = "forbidden"
    status = HTTPStatus.FORBIDDEN
    message: Text = gettext_lazy("You do not have permission to do this.")


class Conflict(DomainError):
    code = "conflict"
    status = HTTPStatus.CONFLICT
    message: Text = gettext_lazy("This conflicts with the current state.")


class Unavailable(DomainError):
    """The database is unreachable or too busy. Nothing was written; clients should try again."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = gettext_lazy("The service is temporarily unavailable. Try again in a few seconds.")
    wait = 2  # seconds


class DiskFull(DomainError):
    """The disk is full. No part of the file is kept."""

    code = "disk_full"
    status = HTTPStatus.INSUFFICIENT_STORAGE
    message = gettext_lazy("This server has no more room for files.")


def translated(error: Exception) -> Exception:
    """Return Unavailable for a database that is unreachable, locked or too slow.

    Return DiskFull if a file could not be written for want of space.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        logger.error("the disk is full")
        return DiskFull()
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.warning("the database is unavailable: %s", type(error.__cause__ or error).__name__)
        return Unavailable()
    return error


def problem(
    status: int, detail: str = "", *, code: str = "", errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """Return an RFC 9457 problem. It is also the body of a socket's `error` frame."""
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
    ensure_ascii = True  # a problem may quote a lone surrogate, which has no UTF-8


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of an API view. Unknown exceptions are left to `server_error`.

    It is DRF's EXCEPTION_HANDLER.
    """
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
    # Otherwise the view's own renderer would be used, for example the browsable API's HTML.
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
    """Return {field: [message, …]} from DRF's nested errors. List items are named `members.0`."""
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
    """Return the headers that belong to an error, such as WWW-Authenticate and Retry-After."""
    headers: dict[str, str] = dict(getattr(error, "headers", {}))
    if challenge := getattr(error, "auth_header", ""):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return headers


# --- pages, and requests that never reached a view -----------------------------------------------


class DomainErrorMiddleware:
    """Turns the DomainErrors that pages raise into error pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        error = translated(error)
        if isinstance(error, DomainError):
            return domain_error_response(request, error)
        if isinstance(error, RequestDataTooBig):
            return error_response(request, 413, _("The request is too large."))
        return None


def domain_error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    response = error_response(request, error.status, str(error.message))
    for name, value in headers_of(error).items():
        response[name] = value
    return response


def error_response(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """Return an HTML page for people and a problem for programs."""
    body = problem(status, detail)
    if _wants_page(request):
        context = {"problem": body, "again": _fields_to_send_again(request, status)}
        return render(request, "error.html", context, status=status)
    return HttpResponse(json.dumps(body), status=status, content_type=PROBLEM_TYPE)


def _fields_to_send_again(request: HttpRequest, status: int) -> list[tuple[str, str]]:
    """Return the fields of a rate-limited form, so that the error page can offer to resend it.

    A form with a password or a file is not offered.
    """
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
    return error_response(request, 500, _("A server error occurred. It has been logged."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is missing or outdated.

    The token changes with every login, so a login form in a second tab has an old one. A user who
    has logged in since is redirected to the page again, which sends logged-in users on.
    """
    is_login_page = request.path in (reverse("login"), reverse("register"))
    if is_login_page and request.user.is_authenticated:
        return redirect(request.get_full_path())
    return error_response(request, 403, _("This form has expired. Reload the page and try again."))


def _wants_page(request: HttpRequest) -> bool:
    return not is_api_path(request.path_info) and request.accepts("text/html")


def is_api_path(path: str) -> bool:
    """Return whether errors of this path are problems: its view is an API view.

    A path without a view belongs to the API if an API view's path has the same first segment.
    """
    try:
        return _is_api_view(resolve(path).func)
    except Resolver404:
        return path.lstrip("/").partition("/")[0] in _api_segments(get_resolver())


@cache
def _api_segments(resolver: URLResolver) -> frozenset[str]:
    routes = _api_routes(resolver.url_patterns)
    return frozenset(route.partition("/")[0] for route in routes)


def _api_routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _api_routes(pattern.url_patterns, route)
        elif _is_api_view(pattern.callback):
            yield route


def _is_api_view(view: object) -> bool:
    return hasattr(view, "cls")  # set by DRF's `APIView.as_view`
