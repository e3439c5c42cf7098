"""Conversations as JSON, as one member sees them, and what the API accepts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts.presence import Presence
from accounts.serializers import UserSerializer
from chatflow.parsing import FlagField, TextField
from chatflow.times import iso
from conversations.models import TITLE_LENGTH, Conversation, Membership
from messaging.serializers import MessageSerializer, message_json

Known = dict[uuid.UUID, Presence]


def conversation_json(membership: Membership) -> dict[str, Any]:
    """Needs `.for_display()` and the last message attached."""
    conversation = membership.conversation
    last_message = membership.last_message  # type: ignore[attr-defined]
    return {
        "id": str(conversation.id),
        "kind": conversation.kind,
        "title": membership.title,
        "avatar_url": membership.avatar_url,
        "created_at": iso(conversation.created_at),
        "version": conversation.version,
        "last_seq": conversation.last_seq,
        "delivered_seq": conversation.delivered_seq,
        "read_seq": conversation.read_seq,
        "unread_count": membership.unread_count,
        "last_message": message_json(last_message) if last_message else None,
        "member_count": conversation.member_count,
        "membership": membership_json(membership),
    }


def conversation_with_members_json(
    membership: Membership, members: Iterable[Membership], presence: Known
) -> dict[str, Any]:
    """`presence` is what the asker may know of each member."""
    shown = [member_json(member, presence) for member in members]
    return conversation_json(membership) | {"members": shown}


def membership_json(membership: Membership) -> dict[str, Any]:
    return {
        "role": membership.role,
        "delivered_seq": membership.delivered_seq,
        "read_seq": membership.read_seq,
        "muted_until": iso(membership.muted_until),
        "archived": membership.archived,
        "pinned": membership.pinned,
    }


def member_json(member: Membership, presence: Known | None = None) -> dict[str, Any]:
    return {
        "user": UserSerializer(member.user, context={"presence": presence or {}}).data,
        "role": member.role,
        "joined_at": iso(member.joined_at),
    }


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    archived = FlagField()
    pinned = FlagField()

    class Meta:
        model = Membership
        fields = ("role", "delivered_seq", "read_seq", "muted_until", "archived", "pinned")
        read_only_fields = ("role", "delivered_seq", "read_seq")

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        return membership_json(instance)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    user = UserSerializer()

    class Meta:
        model = Membership
        fields = ("user", "role", "joined_at")

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        return member_json(instance)


class ConversationSerializer(serializers.Serializer[Membership]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = serializers.CharField(help_text="Of a direct chat: the other person's display name.")
    avatar_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField()
    last_seq = serializers.IntegerField()
    delivered_seq = serializers.IntegerField(help_text="What every member has received.")
    read_seq = serializers.IntegerField(help_text="What every member has read.")
    unread_count = serializers.IntegerField()
    last_message = MessageSerializer(allow_null=True)
    member_count = serializers.IntegerField()
    members = MemberSerializer(
        many=True,
        required=False,
        help_text="In live events `online` and `last_seen_at` are null, because one event is for "
        "members who may know different things: `watch` tells each what they may.",
    )
    membership = MembershipSerializer(help_text="One's own.")

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        return conversation_json(instance)


class ConversationPageSerializer(serializers.Serializer[Any]):
    results = ConversationSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NewConversationSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = TextField(max_length=TITLE_LENGTH, required=False)
    members = serializers.ListField(
        child=TextField(max_length=150), allow_empty=False, max_length=1024
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == Conversation.Kind.DIRECT and len(attrs["members"]) != 1:
            raise serializers.ValidationError({"members": ["A direct chat names one person."]})
        if attrs["kind"] == Conversation.Kind.GROUP and not attrs.get("title"):
            raise serializers.ValidationError({"title": ["A group needs a title."]})
        return attrs


class TitleSerializer(serializers.Serializer[Any]):
    title = TextField(max_length=TITLE_LENGTH)


class NewMembersSerializer(serializers.Serializer[Any]):
    members = serializers.ListField(
        child=TextField(max_length=150), allow_empty=False, max_length=1024
    )


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Membership.Role.choices)
