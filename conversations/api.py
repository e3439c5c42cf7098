"""Conversations over JSON: the list, one of them, who is in it, how one keeps it."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import asker
from chatflow.parsing import limit_of, parsed
from conversations import services
from conversations.access import find_membership
from conversations.listing import (
    list_conversations,
    list_members,
    presence_among,
    show_conversation,
)
from conversations.models import Conversation, Membership
from conversations.serializers import (
    ConversationPageSerializer,
    ConversationSerializer,
    MemberSerializer,
    MembershipSerializer,
    NewConversationSerializer,
    NewMembersSerializer,
    RoleSerializer,
    TitleSerializer,
    conversation_json,
    conversation_with_members_json,
    member_json,
    membership_json,
)

NOTHING = OpenApiResponse(description="Done; nothing to say.")


class ConversationsView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="My conversations",
        description="Newest activity first.",
        parameters=[
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description="1 to 100, 50 by default."),
        ],
        responses=ConversationPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = list_conversations(
            asker(request), cursor=request.query_params.get("cursor", ""), limit=limit_of(request)
        )
        return Response(
            {
                "results": [conversation_json(membership) for membership in page.memberships],
                "next": page.next,
            }
        )

    @extend_schema(
        tags=["conversations"],
        summary="Start a conversation",
        description="A direct chat that exists already is answered with 200.",
        request=NewConversationSerializer,
        responses={200: ConversationSerializer, 201: ConversationSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = parsed(NewConversationSerializer, request)
        if wanted["kind"] == Conversation.Kind.DIRECT:
            conversation, is_new = services.start_direct(
                user=asker(request), username=wanted["members"][0]
            )
        else:
            conversation, is_new = (
                services.start_group(
                    user=asker(request), title=wanted["title"], usernames=wanted["members"]
                ),
                True,
            )
        return Response(
            _shown(request, conversation.id),
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )


class ConversationView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="One conversation with its members",
        description="As I see it.",
        responses=ConversationSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(_shown(request, conversation_id))

    @extend_schema(
        tags=["conversations"],
        summary="Rename a group",
        description="By its admins.",
        request=TitleSerializer,
        responses=ConversationSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        services.rename(membership=membership, title=parsed(TitleSerializer, request)["title"])
        return Response(_shown(request, conversation_id))


class SettingsView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="How I keep a conversation",
        description="Muted until a time, archived, pinned: mine alone, on all my devices.",
        request=MembershipSerializer(partial=True),
        responses=MembershipSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        changes = parsed(MembershipSerializer, request, partial=True)
        if changes:
            services.change_settings(membership=membership, **changes)
        return Response(membership_json(membership))


class MembersView(APIView):
    @extend_schema(
        tags=["members"],
        summary="Add people to a group",
        description="By its admins. Whoever is in already is passed over.",
        request=NewMembersSerializer,
        responses=ConversationSerializer,
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(asker(request), conversation_id)
        usernames = parsed(NewMembersSerializer, request)["members"]
        services.add_members(membership=membership, usernames=usernames)
        return Response(_shown(request, conversation_id))


class MemberView(APIView):
    @extend_schema(
        tags=["members"],
        summary="Change a member's role",
        description="By the group's admins; only the owner makes another owner.",
        request=RoleSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID, username: str) -> Response:
        membership = find_membership(asker(request), conversation_id)
        role = Membership.Role(parsed(RoleSerializer, request)["role"])
        member = services.change_role(membership=membership, username=username, role=role)
        return Response(member_json(member, presence_among(membership.user, [member])))

    @extend_schema(
        tags=["members"],
        summary="Remove a member, or leave",
        description=(
            "Others by the group's admins, oneself always. An owner who leaves passes the group on."
        ),
        responses={204: NOTHING},
    )
    def delete(self, request: Request, conversation_id: uuid.UUID, username: str) -> Response:
        membership = find_membership(asker(request), conversation_id)
        services.remove_member(membership=membership, username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(request: Request, conversation_id: uuid.UUID) -> dict[str, Any]:
    membership = show_conversation(asker(request), conversation_id)
    members = list_members(membership)
    known = presence_among(membership.user, members)
    return conversation_with_members_json(membership, members, known)
