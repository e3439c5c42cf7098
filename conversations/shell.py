"""The frame of every signed-in page: all apps' pages present themselves through it."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from conversations.listing import list_sidebar

PAGE, PANE, DIALOG = (f"conversations/{name}.html" for name in ("shell", "pane", "dialog"))


def present(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    open_conversation: uuid.UUID | None = None,
    cursor: str = "",
    status: int = 200,
) -> HttpResponse:
    """The whole page with the list from `cursor` on; for htmx what goes into pane or dialog."""
    context = {"open_conversation": open_conversation} | (context or {})
    if is_fragment_wanted(request):
        is_dialog = request.htmx.target == "dialog"  # type: ignore[attr-defined]
        context |= {"shell": DIALOG if is_dialog else PANE}
    else:
        listed = list_sidebar(request.user, cursor=cursor)  # type: ignore[arg-type]
        context |= {
            "shell": PAGE,
            "memberships": listed.memberships,
            "archived": listed.archived,
            "next_cursor": listed.next,
        }
    return private(render(request, template, context, status=status))


def is_fragment_wanted(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def private(response: HttpResponse) -> HttpResponse:
    """Page and fragment share an address, and nobody finds either in a cache after signing out."""
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    add_never_cache_headers(response)
    return response
