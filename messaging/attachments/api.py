"""API views that upload attachments and serve their bytes."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import current_user
from chatflow.api.parsing import parsed
from chatflow.api.responses import BinaryView
from conversations.access import find_membership
from messaging.attachments.files import Variant
from messaging.attachments.serializers import (
    AttachmentSerializer,
    AttachmentUploadSerializer,
    attachment_json,
    url_of,
)
from messaging.attachments.services import Voice, find_attachment, upload_attachment
from messaging.attachments.serving import WEBP, serve


class AttachmentsView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        tags=["attachments"],
        summary="Upload an attachment",
        description=(
            "Nobody else sees it until you send it with a message. Uploads that are not sent are "
            "deleted after 24 hours. Images are re-encoded without metadata. The content decides "
            "what kind of attachment it is."
        ),
        request={"multipart/form-data": AttachmentUploadSerializer},
        responses={201: AttachmentSerializer},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        fields = parsed(AttachmentUploadSerializer, request)
        attachment = upload_attachment(
            membership=membership,
            file=fields["file"],
            name=fields.get("name", ""),
            voice=_voice(fields),
        )
        headers = {"Location": url_of(attachment)}
        return Response(attachment_json(attachment), status.HTTP_201_CREATED, headers=headers)


def _voice(fields: dict[str, Any]) -> Voice | None:
    if "kind" not in fields:
        return None
    return Voice(duration=fields.get("duration"), waveform=fields.get("waveform"))


class BytesRenderer(BaseRenderer):
    media_type = "application/octet-stream"
    format = "bytes"
    charset = None


class WebPRenderer(BaseRenderer):
    media_type = WEBP
    format = "webp"
    charset = None


class AttachmentView(BinaryView):
    renderer_classes: tuple[type[BaseRenderer]] = (BytesRenderer,)
    throttle_classes = ()  # a page shows up to a thousand of them, and players ask for many ranges
    variant = Variant.ORIGINAL

    @extend_schema(
        tags=["attachments"],
        summary="Download an attachment",
        description=(
            "For members who may see its message, and for its uploader before it is sent. `Range` "
            "requests work. Only images, audio and video are served with their own type."
        ),
        responses={(200, BytesRenderer.media_type): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, conversation_id: uuid.UUID, attachment_id: uuid.UUID
    ) -> HttpResponseBase:
        membership = find_membership(current_user(request), conversation_id)
        attachment = find_attachment(membership, attachment_id)
        return serve(request._request, attachment, self.variant)


@extend_schema_view(
    get=extend_schema(
        summary="Download the thumbnail of an image",
        description="At most 360 pixels wide and high.",
        responses={(200, WEBP): OpenApiTypes.BINARY},
    )
)
class ThumbnailView(AttachmentView):
    renderer_classes = (WebPRenderer,)
    variant = Variant.THUMBNAIL


@extend_schema_view(
    get=extend_schema(
        summary="Download the preview of an image",
        description="At most 1600 pixels wide and high. Animated images have none.",
        responses={(200, WEBP): OpenApiTypes.BINARY},
    )
)
class PreviewView(AttachmentView):
    renderer_classes = (WebPRenderer,)
    variant = Variant.PREVIEW
