"""API views for reporting messages and users."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import current_user
from chatflow.api.parsing import TextField, parsed
from conversations.access import find_membership
from messaging.moderation.models import Report
from messaging.moderation.reports import report_message, report_person

REPORTED = {
    201: OpenApiResponse(description="Reported."),
    204: OpenApiResponse(description="You had already reported it. The first report is kept."),
}


class ReportSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(Report.Reason.choices)
    comment = TextField(
        default="",
        allow_blank=True,
        help_text="At most 500 characters. Only moderators can read it.",
    )


class MessageReportView(APIView):
    @extend_schema(
        tags=["reports"],
        summary="Report a message",
        description=(
            "Moderators see the message and the five before and after it as they are now, even if "
            "they are edited or deleted later. Your own messages, system messages and deleted "
            "messages cannot be reported."
        ),
        request=ReportSerializer,
        responses=REPORTED,
    )
    def post(self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        fields = parsed(ReportSerializer, request)
        return _answer(*report_message(membership=membership, message_id=message_id, **fields))


class PersonReportView(APIView):
    @extend_schema(
        tags=["reports"],
        summary="Report a user",
        description=(
            "Moderators see none of your messages. A comment is only possible if you share a chat "
            "with the person, because it is encrypted with that chat's key."
        ),
        request=ReportSerializer,
        responses=REPORTED,
    )
    def post(self, request: Request, username: str) -> Response:
        fields = parsed(ReportSerializer, request)
        return _answer(*report_person(user=current_user(request), username=username, **fields))


def _answer(report: Report, is_new: bool) -> Response:
    """Return the URN of a new report. It has no URL, because only moderators can read it."""
    if not is_new:
        return Response(status=status.HTTP_204_NO_CONTENT)
    return Response(status=status.HTTP_201_CREATED, headers={"Location": report.id.urn})
