"""Django's ASGI handler with one visit to a thread for a whole request; only `asgi` uses it."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class Handler(ASGIHandler):
    """All of our middleware and views are synchronous.

    Django's own handler goes back to the event loop between the last middleware and the view, and
    again on the way out; each time one thread has to wake the other.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await sync_to_async(self.get_response)(request)
        return response
