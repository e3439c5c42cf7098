"""The response that streams an export as a file download, for the API and the page."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils import timezone

from messaging.export.archive import Export

ZIP_TYPE = "application/zip"


def download(export: Export) -> StreamingHttpResponse:
    """Return the response. Django sends an asynchronous iterator without buffering it."""
    name = f"chatflow-{timezone.now():%Y-%m-%d}.zip"
    response = StreamingHttpResponse(export, content_type=ZIP_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
