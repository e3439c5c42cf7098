"""For whoever watches the process: is it alive, may it be sent people?"""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from chatflow.lifecycle import draining


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all; a service that is away is not its fault."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """503 while the database or Redis is away, or this process is on its way out."""
    checks = {"database": _answers(_ask_database), "cache": _answers(_ask_cache)}
    is_ready = all(checks.values()) and not draining()
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", "draining": draining(), **checks},
        status=200 if is_ready else 503,
    )


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except Exception:
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.get("readyz")
