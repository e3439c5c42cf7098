"""API views for messages, reactions, receipts and changes."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import current_user
from chatflow.api.parsing import LimitQuery, PositionField, parsed, parsed_query
from chatflow.api.responses import NO_CONTENT
from chatflow.limits import policy as limits
from chatflow.limits.policy import consume
from conversations.access import find_membership
from messaging import history, services
from messaging.receipts import acknowledge, list_receipts
from messaging.serializers import (
    ChangesSerializer,
    HistorySerializer,
    MemberReceiptsSerializer,
    MessageSerializer,
    NewMessageSerializer,
    ReceiptSerializer,
    TextSerializer,
    changes_json,
    member_receipt_json,
    message_json,
    messages_json,
)


class HistoryQuery(LimitQuery):
    before = PositionField(required=False, help_text="Return messages before this `seq`.")
    after = PositionField(required=False, help_text="Return messages after this `seq`.")
    around = PositionField(required=False, help_text="Return messages around this `seq`.")


class ChangesQuery(serializers.Serializer[Any]):
    since = PositionField(help_text="The last `version` that you have.")


class MessagesView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="List messages",
        description=(
            "Ordered by `seq`. Returns the newest page unless one of `before`, `after` or `around` "
            "is given. Only one of them may be given."
        ),
        parameters=[HistoryQuery],
        responses=HistorySerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        page = history.find_page(membership, **parsed_query(HistoryQuery, request))
        return Response(
            {
                "results": messages_json(membership, page.messages),
                "has_before": page.has_before,
                "has_after": page.has_after,
            }
        )

    @extend_schema(
        tags=["messages"],
        summary="Send a message",
        description=(
            "Repeating a request with the same `id` and content answers 200 and sends nothing "
            "twice."
        ),
        request=NewMessageSerializer,
        responses={200: MessageSerializer, 201: MessageSerializer},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        fields = parsed(NewMessageSerializer, request)
        message, is_new = services.send_message(
            membership=membership,
            body=fields["body"],
            message_id=fields.get("id"),
            reply_to=fields.get("reply_to"),
            attachments=fields.get("attachments", ()),
        )
        body = message_json(message, since_seq=membership.since_seq)
        if not is_new:
            return Response(body)
        location = reverse("api-message", args=[conversation_id, message.id])
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": location})


class MessageView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="Get a message",
        description="Answers 404 for a message that you cannot see.",
        responses=MessageSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        message = history.find_message(membership, message_id)
        return Response(message_json(message, since_seq=membership.since_seq))

    @extend_schema(
        tags=["messages"],
        summary="Edit a message",
        description="Only the sender, within 15 minutes.",
        request=TextSerializer,
        responses=MessageSerializer,
    )
    def patch(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID
    ) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        body = parsed(TextSerializer, request)["body"]
        message = services.edit_message(membership=membership, message_id=message_id, body=body)
        return Response(message_json(message, since_seq=membership.since_seq))

    @extend_schema(
        tags=["messages"],
        summary="Delete a message for everyone",
        description=(
            "The sender can delete within 48 hours, group admins at any time. A tombstone remains: "
            "`body` is empty and `seq` is kept."
        ),
        responses={200: MessageSerializer},
    )
    def delete(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID
    ) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        message = services.delete_message(membership=membership, message_id=message_id)
        return Response(message_json(message, since_seq=membership.since_seq))


class ReactionView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="Add a reaction",
        description="Repeating the request has no further effect.",
        request=None,
        responses=MessageSerializer,
    )
    def put(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID, emoji: str
    ) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        message = services.react(membership=membership, message_id=message_id, emoji=emoji)
        return Response(message_json(message, since_seq=membership.since_seq))

    @extend_schema(
        tags=["messages"],
        summary="Remove a reaction",
        description="Removes only your own reaction. Repeating the request has no further effect.",
        responses={200: MessageSerializer},
    )
    def delete(
        self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID, emoji: str
    ) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        message = services.withdraw_reaction(
            membership=membership, message_id=message_id, emoji=emoji
        )
        return Response(message_json(message, since_seq=membership.since_seq))


class MessageReceiptsView(APIView):
    @extend_schema(
        tags=["receipts"],
        summary="List the receipts of a message",
        description="Lists every other member who can see the message.",
        responses=MemberReceiptsSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID, message_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        message = history.find_message(membership, message_id)
        members = list_receipts(membership, message)
        return Response({"results": [member_receipt_json(member, message) for member in members]})


class ReceiptsView(APIView):
    @extend_schema(
        tags=["receipts"],
        summary="Mark messages as delivered or read",
        description="Positions only move forward. Read implies delivered.",
        request=ReceiptSerializer,
        responses={204: NO_CONTENT},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        consume(limits.FRAMES, person=membership.user_id)  # the limit of a socket's frames
        acknowledge(membership=membership, **parsed(ReceiptSerializer, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangesView(APIView):
    @extend_schema(
        tags=["messages"],
        summary="List changes",
        description=(
            "Messages that were created, edited, deleted or reacted to since a `version`. While "
            "`more` is true, ask again from the returned version. If `since` is above the current "
            "version the list is empty; reload the conversation."
        ),
        parameters=[ChangesQuery],
        responses=ChangesSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        since = parsed_query(ChangesQuery, request)["since"]
        return Response(changes_json(membership, history.changes(membership, since)))
