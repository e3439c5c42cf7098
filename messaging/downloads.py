"""How an export leaves the house: streamed, as a file, and kept by no cache."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone

from messaging.export import Export

ZIP_TYPE = "application/zip"


def download(export: Export) -> StreamingHttpResponse:
    """Under ASGI, Django would gather a sync iterator whole before sending the first byte."""
    name = f"chatflow-{timezone.now():%Y-%m-%d}.zip"
    response = StreamingHttpResponse(export, content_type=ZIP_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
