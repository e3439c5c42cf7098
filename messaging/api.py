"""Messages over JSON: history, sending, second thoughts, receipts, and what one has missed."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import asker
from chatflow.parsing import BadParameter, limit_of, number_of, parsed
from conversations.access import find_membership
from conversations.models import Membership
from messaging import history, services
from messaging.models import Report
from messaging.receipts import acknowledge, list_receipts
from messaging.reports import report_message, report_person
from messaging.serializers import (
    ChangesSerializer,
    HistorySerializer,
    MemberReceiptsSerializer,
    MessageSerializer,
    NewMessageSerializer,
    ReceiptSerializer,
    ReportSerializer,
    TextSerializer,
    member_receipt_json,
    message_json,
)

NOTHING = OpenApiResponse(description="Done; nothing to say.")
REPORTED = {
    201: OpenApiResponse(description="Reported."),
    204: OpenApiResponse(description="You had reported it before; that report stands."),
}
POSITION = "A seq; the page ends before it, begins after it or lies around it. One at most."


class MessagesView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="History",
        description="Ascending by `seq`. Without a position: the newest page.",
        parameters=[
            *(OpenApiParameter(name, int, description=POSITION) for name in history.DIRECTIONS),
            OpenApiParameter("limit", int, description="1 to 100, 50 by default."),
        ],
        responses=HistorySerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        page = _page(request, find_membership(asker(request), conversation_id))
        return Response(
            {
                "results": [message_json(message) for message in page.messages],
                "has_before": page.has_before,
                "has_after": page.has_after,
            }
        )

    @extend_schema(
        tags=["messages"],
        summary="Send a message",
        description="The same `id` with the same content is the same message, answered with 200.",
        request=NewMessageSerializer,
        responses={200: MessageSerializer, 201: MessageSerializer},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        wanted = parsed(NewMessageSerializer, request)
        message, is_new = services.send_message(
            membership=membership,
            body=wanted["body"],
            message_id=wanted.get("id"),
            reply_to=wanted.get("reply_to"),
        )
        return Response(
            message_json(message),
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )


class MessageView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="Edit my message",
        description="Within 15 minutes.",
        request=TextSerializer,
        responses=MessageSerializer,
    )
    def patch(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID
    ) -> Response:
        membership = find_membership(asker(request), conversation_id)
        body = parsed(TextSerializer, request)["body"]
        message = services.edit_message(membership=membership, message_id=message_id, body=body)
        return Response(message_json(message))

    @extend_schema(
        tags=["messages"],
        summary="Delete a message for everyone",
        description=(
            "By its sender within 48 hours, by a group's admins at any time. What is left is a "
            "tombstone: its `body` is empty, its `seq` stays."
        ),
        responses={200: MessageSerializer},
    )
    def delete(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID
    ) -> Response:
        membership = find_membership(asker(request), conversation_id)
        message = services.delete_message(membership=membership, message_id=message_id)
        return Response(message_json(message))


class ReactionView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="React",
        description="Once a person, emoji and message; again changes nothing.",
        request=None,
        responses=MessageSerializer,
    )
    def put(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID, emoji: str
    ) -> Response:
        membership = find_membership(asker(request), conversation_id)
        message = services.react(membership=membership, message_id=message_id, emoji=emoji)
        return Response(message_json(message))

    @extend_schema(
        tags=["messages"],
        summary="Withdraw a reaction",
        description="One's own; again changes nothing.",
        responses={200: MessageSerializer},
    )
    def delete(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID, emoji: str
    ) -> Response:
        membership = find_membership(asker(request), conversation_id)
        message = services.withdraw_reaction(
            membership=membership, message_id=message_id, emoji=emoji
        )
        return Response(message_json(message))


class MessageReceiptsView(APIView):
    @extend_schema(
        tags=["receipts"],
        summary="Who has received and read a message",
        description="Every other member who could see it.",
        responses=MemberReceiptsSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        message = history.find_message(membership, message_id)
        members = list_receipts(membership, message)
        return Response({"results": [member_receipt_json(member, message) for member in members]})


class MessageReportView(APIView):
    @extend_schema(
        tags=["reports"],
        summary="Report a message to the moderators",
        description="They are shown it and five messages on either side, as they stand now, also "
        "when it is edited or deleted later. Not one's own, no notices, none that are deleted.",
        request=ReportSerializer,
        responses=REPORTED,
    )
    def post(self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        wanted = _report(request)
        return _reported(report_message(membership=membership, message_id=message_id, **wanted))


class PersonReportView(APIView):
    @extend_schema(
        tags=["reports"],
        summary="Report a person to the moderators",
        description="Moderators are shown none of your messages. A comment needs a chat that you "
        "share, under whose key it is stored.",
        request=ReportSerializer,
        responses=REPORTED,
    )
    def post(self, request: Request, username: str) -> Response:
        wanted = _report(request)
        return _reported(report_person(user=asker(request), username=username, **wanted))


class ReceiptsView(APIView):
    @extend_schema(
        tags=["receipts"],
        summary="Tell how far I have come",
        description="Moves forward only; read implies delivered.",
        request=ReceiptSerializer,
        responses={204: NOTHING},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        acknowledge(membership=membership, **parsed(ReceiptSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangesView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="What I have missed",
        description=(
            "Everything created, edited, deleted or reacted to since a `version`. Ask again from "
            "the answered version while `more`. A `since` above the current version answers "
            "nothing: start afresh."
        ),
        parameters=[OpenApiParameter("since", int, required=True)],
        responses=ChangesSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        since = number_of(request, "since")
        if since is None:
            raise BadParameter("since is missing.", field="since")
        changes = history.changes(membership, since)
        return Response(
            {
                "messages": [message_json(message) for message in changes.messages],
                "version": changes.version,
                "more": changes.more,
            }
        )


def _page(request: Request, membership: Membership) -> history.Page:
    positions = {name: number_of(request, name) for name in history.DIRECTIONS}
    given = {name: seq for name, seq in positions.items() if seq is not None}
    if len(given) > 1:
        raise BadParameter("before, after and around exclude each other.")
    return history.page_of(membership, limit=limit_of(request), **given)


def _report(request: Request) -> dict[str, Any]:
    wanted = parsed(ReportSerializer, request)
    return {"reason": Report.Reason(wanted["reason"]), "comment": wanted.get("comment", "")}


def _reported(outcome: tuple[Report, bool]) -> Response:
    _made, is_new = outcome
    return Response(status=status.HTTP_201_CREATED if is_new else status.HTTP_204_NO_CONTENT)
