"""API views for conversations, their members, and a member's own settings."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import current_user
from chatflow.api.parsing import PageQuery, parsed, parsed_query
from chatflow.api.responses import NO_CONTENT
from conversations import services
from conversations.access import find_membership
from conversations.listing import (
    list_conversations,
    list_members,
    members_of,
    presence_among,
    show_conversation,
)
from conversations.models import Conversation, Membership
from conversations.serializers import (
    ConversationPageSerializer,
    ConversationSerializer,
    MemberPageSerializer,
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


class ConversationsView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="List conversations",
        description="Most recently active first.",
        parameters=[PageQuery],
        responses=ConversationPageSerializer,
    )
    def get(self, request: Request) -> Response:
        page = list_conversations(current_user(request), **parsed_query(PageQuery, request))
        return Response(
            {
                "results": [conversation_json(membership) for membership in page.memberships],
                "next": page.next,
            }
        )

    @extend_schema(
        tags=["conversations"],
        summary="Start a conversation",
        description=(
            "Answers 200 with the existing conversation if there already is a direct chat with "
            "this person."
        ),
        request=NewConversationSerializer,
        responses={200: ConversationSerializer, 201: ConversationSerializer},
    )
    def post(self, request: Request) -> Response:
        user = current_user(request)
        fields = parsed(NewConversationSerializer, request)
        if fields["kind"] == Conversation.Kind.GROUP:
            conversation = services.start_group(
                user=user, title=fields["title"], usernames=fields["members"]
            )
            return _created(request, conversation)
        conversation, is_new = services.start_direct(user=user, username=fields["members"][0])
        if is_new:
            return _created(request, conversation)
        return Response(_conversation(request, conversation.id))


class ConversationView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="Get a conversation",
        description="Includes its members.",
        responses=ConversationSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(_conversation(request, conversation_id))

    @extend_schema(
        tags=["conversations"],
        summary="Rename a group",
        description="Admins only.",
        request=TitleSerializer,
        responses=ConversationSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        services.rename(membership=membership, title=parsed(TitleSerializer, request)["title"])
        return Response(_conversation(request, conversation_id))


class SettingsView(APIView):
    @extend_schema(
        tags=["conversations"],
        summary="Get your settings for a conversation",
        description="Includes your role and what you have received and read.",
        responses=MembershipSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        return Response(membership_json(find_membership(current_user(request), conversation_id)))

    @extend_schema(
        tags=["conversations"],
        summary="Update your settings for a conversation",
        description="Mute, archive or pin it, for yourself on all your devices.",
        request=MembershipSerializer(partial=True),
        responses=MembershipSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        changes = parsed(MembershipSerializer, request, partial=True)
        if changes:
            membership = services.change_settings(membership=membership, **changes)
        return Response(membership_json(membership))


class MembersView(APIView):
    @extend_schema(
        tags=["members"],
        summary="List members",
        description="The owner first, then admins, then members, each in order of joining.",
        parameters=[PageQuery],
        responses=MemberPageSerializer,
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        page = list_members(membership, **parsed_query(PageQuery, request))
        presence = presence_among(membership.user, page.memberships)
        results = [member_json(member, presence) for member in page.memberships]
        return Response({"results": results, "next": page.next})

    @extend_schema(
        tags=["members"],
        summary="Add members to a group",
        description="Admins only. People who are already members are ignored.",
        request=NewMembersSerializer,
        responses=ConversationSerializer,
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        usernames = parsed(NewMembersSerializer, request)["members"]
        services.add_members(membership=membership, usernames=usernames)
        return Response(_conversation(request, conversation_id))


class MemberView(APIView):
    @extend_schema(
        tags=["members"],
        summary="Change a member's role",
        description="Admins only. Only the owner can transfer ownership.",
        request=RoleSerializer,
        responses=MemberSerializer,
    )
    def patch(self, request: Request, conversation_id: uuid.UUID, username: str) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        role = Membership.Role(parsed(RoleSerializer, request)["role"])
        member = services.change_role(membership=membership, username=username, role=role)
        return Response(member_json(member, presence_among(membership.user, [member])))

    @extend_schema(
        tags=["members"],
        summary="Remove a member or leave",
        description=(
            "Admins can remove others; anyone can leave. If the owner leaves, another member "
            "becomes owner."
        ),
        responses={204: NO_CONTENT},
    )
    def delete(self, request: Request, conversation_id: uuid.UUID, username: str) -> Response:
        membership = find_membership(current_user(request), conversation_id)
        services.remove_member(membership=membership, username=username)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _created(request: Request, conversation: Conversation) -> Response:
    return Response(
        _conversation(request, conversation.id),
        status=status.HTTP_201_CREATED,
        headers={"Location": reverse("api-conversation", args=[conversation.id])},
    )


def _conversation(request: Request, conversation_id: uuid.UUID) -> dict[str, Any]:
    membership = show_conversation(current_user(request), conversation_id)
    members = list(members_of(membership))
    presence = presence_among(membership.user, members)
    return conversation_with_members_json(membership, members, presence)
