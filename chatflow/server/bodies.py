"""Limits on the size of request bodies. A larger body is refused before it is parsed.

The server stores no more than the limit (`flow_control`), `BoundedBody` passes no more on to
Django, and `RefuseLargeBodies` answers 413 with a problem or a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from chatflow.errors import error_response
from chatflow.server.admission import Application, Receive, Send

IS_TOO_LARGE = "chatflow.body_is_too_large"
NO_MORE = {"type": "http.request", "body": b"", "more_body": False}


def body_limit(path: str) -> int:
    """Return how many bytes a request to this path may carry."""
    for pattern, limit in settings.BODY_LIMITS:
        if re.fullmatch(pattern, path):
            return int(limit)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class BoundedBody:
    """ASGI middleware that cuts off a body which is too large and marks the scope."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        limit = body_limit(scope["path"])
        scope = scope | {IS_TOO_LARGE: _length_of(scope) > limit}
        is_ended, left = False, limit

        async def receive_bounded() -> Any:
            nonlocal is_ended, left
            if scope[IS_TOO_LARGE] and not is_ended:
                is_ended = True
                return NO_MORE
            message = await receive()
            while is_ended and message["type"] == "http.request":
                message = await receive()  # drop the rest of the body
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    scope[IS_TOO_LARGE] = is_ended = True
                    return NO_MORE
            return message

        await self._application(scope, receive_bounded, send)


def _length_of(scope: Any) -> int:
    """Return the declared Content-Length, or 0 if it is missing or invalid."""
    declared = dict(scope["headers"]).get(b"content-length", b"")
    return int(declared) if declared.isdigit() and len(declared) < 20 else 0


class RefuseLargeBodies:
    """Django middleware that answers 413 before anything reads the truncated body.

    It comes after LocaleMiddleware, so that it answers in the user's language, and before
    CsrfViewMiddleware, which reads forms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "scope", {}).get(IS_TOO_LARGE):
            return error_response(request, 413, _("The request is too large."))
        return self.get_response(request)
