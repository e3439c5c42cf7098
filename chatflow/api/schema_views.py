"""Serve the OpenAPI schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request

CACHE_SECONDS = 300


class SchemaView(SpectacularJSONAPIView):
    """Serve one cached schema for each language, whatever the query string says.

    drf-spectacular's own view generates the schema for each request, loads any language that `lang`
    names, and writes `version` into a header.
    """

    authentication_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        response = HttpResponse(
            _schema_in(get_language()), content_type=request.accepted_renderer.media_type
        )
        patch_cache_control(response, public=True, max_age=CACHE_SECONDS)
        patch_vary_headers(response, ["Cookie"])  # of the language
        return response


@cache
def _schema_in(language: str | None) -> bytes:
    """Return the schema as JSON. LocaleMiddleware activates only settings.LANGUAGES."""
    return OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True))
