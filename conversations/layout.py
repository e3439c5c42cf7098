"""Render the pages of logged-in users: the conversation list beside the page's own content.

The pages of all apps use `present`.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from accounts.auth.authentication import current_user
from conversations.listing import list_archived, list_sidebar

PAGE = "conversations/layout.html"
PANE = "conversations/pane.html"
DIALOG = "conversations/dialog.html"

# A chat page shrinks from about 100 kB to 12. The lengths of compressed pages could reveal secrets
# beside text that an attacker chooses (BREACH); therefore Django masks the CSRF token in each
# response, and this middleware adds a random number of bytes. Session cookies are not in pages.
COMPRESSION = GZipMiddleware(lambda request: HttpResponse())


def present(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    open_conversation: uuid.UUID | None = None,
    cursor: str = "",
    archived_cursor: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the whole page, or for htmx only what goes into the pane or the dialog.

    The cursors are positions in the conversation list and in the archive.
    """
    context = {"open_conversation": open_conversation} | (context or {})
    if is_fragment_wanted(request):
        is_dialog = request.htmx.target == "dialog"  # type: ignore[attr-defined]
        context |= {"layout": DIALOG if is_dialog else PANE}
    else:
        user = current_user(request)
        listed = list_sidebar(user, cursor=cursor)
        archived = (
            list_archived(user, cursor=archived_cursor) if archived_cursor else listed.archived
        )
        context |= {
            "layout": PAGE,
            "memberships": listed.memberships,
            "next_cursor": listed.next,
            "archived": archived,
            "is_archive_open": bool(archived_cursor),
            "unread_chats": listed.unread_chats,
        }
    response = private(render(request, template, context, status=status))
    COMPRESSION.process_response(request, response)
    return response


def is_fragment_wanted(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def private(response: HttpResponse) -> HttpResponse:
    """Keep a response out of caches, because page and fragment share a URL and both are private."""
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    add_never_cache_headers(response)
    return response
