"""API responses that are not JSON: no content, or the bytes of a file."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

NO_CONTENT = OpenApiResponse(description="No content.")


class BinaryView(APIView):
    """Answer with the view's only content type, whatever the client says it accepts."""

    metadata_class = None  # the answer to OPTIONS would be JSON

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        (renderer,) = self.get_renderers()
        return renderer, renderer.media_type
