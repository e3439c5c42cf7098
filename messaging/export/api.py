"""The export of a user's own data over the API."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.auth.authentication import current_user
from accounts.serializers import PasswordSerializer
from chatflow.api.parsing import parsed
from chatflow.api.responses import BinaryView
from messaging.export.archive import export
from messaging.export.download import ZIP_TYPE, download


class ZipRenderer(BaseRenderer):
    media_type = ZIP_TYPE
    format = "zip"
    charset = None


class ExportView(BinaryView):
    renderer_classes = (ZipRenderer,)

    @extend_schema(
        tags=["me"],
        summary="Export your data",
        description=(
            "Streams a zip of your profile, logins, conversations and messages. Its README.txt "
            "describes the contents. Only one export can run at a time."
        ),
        request=PasswordSerializer,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        password = parsed(PasswordSerializer, request)["password"]
        return download(export(user=current_user(request), password=password))
