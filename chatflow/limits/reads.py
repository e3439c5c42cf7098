"""The limit on reading, which costs more than anything else a user can request often.

A read is a GET by a user who is logged in: of a page, which passes `ReadLimitMiddleware`, or of the
API, where REST framework calls `ReadThrottle` after it has authenticated the user. There are two
classes because the user is known at different times. Writes are limited in the services.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from chatflow.errors import DomainError, domain_error_response
from chatflow.limits.policy import READING, consume


class ReadThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: object) -> bool:
        if request.method == "GET" and request.user and request.user.is_authenticated:
            consume(READING, person=request.user.pk)
        return True


class ReadLimitMiddleware:
    """Answer 429 with a page before the view runs. It comes after LoginMiddleware.

    Views marked with `login_not_required` are exempt, so that probes never query the database for
    the user of a browser's session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: object, kwargs: object
    ) -> HttpResponse | None:
        is_exempt = hasattr(view, "cls") or not getattr(view, "login_required", True)
        if is_exempt or request.method != "GET":
            return None
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if request.user.is_authenticated:
            try:
                consume(READING, person=request.user.pk)
            except DomainError as refusal:
                return domain_error_response(request, refusal)
        return None
