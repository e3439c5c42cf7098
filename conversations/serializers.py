"""Conversations as JSON, as one member sees them.

Functions build the JSON that is sent. The serializers describe its shape in the OpenAPI schema and
parse what clients send.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts.presence import HIDDEN, Presence
from accounts.serializers import UserSerializer, user_json
from chatflow.api.parsing import FlagField, TextField
from chatflow.times import iso
from conversations.models import MAX_GROUP_SIZE, MAX_TITLE_LENGTH, Conversation, Membership
from messaging.serializers import MessageSerializer, message_json

Presences = dict[uuid.UUID, Presence]


def conversation_json(membership: Membership) -> dict[str, Any]:
    """Return a conversation as its member sees it. See `MembershipQuerySet.for_display`.

    `history.attach_last_messages` must have set the last message.
    """
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
        "last_message": last_message and message_json(last_message, since_seq=membership.since_seq),
        "member_count": conversation.member_count,
        "membership": membership_json(membership),
    }


def conversation_with_members_json(
    membership: Membership, members: Iterable[Membership], presence: Presences
) -> dict[str, Any]:
    """Add the members. `presence` is what the current user may see of each of them."""
    members_json = [member_json(member, presence) for member in members]
    return conversation_json(membership) | {"members": members_json}


def membership_json(membership: Membership) -> dict[str, Any]:
    return {
        "role": membership.role,
        "delivered_seq": membership.delivered_seq,
        "read_seq": membership.read_seq,
        "muted_until": iso(membership.muted_until),
        "archived": membership.archived,
        "pinned": membership.pinned,
        "marked_unread": membership.marked_unread,
    }


def member_json(member: Membership, presence: Presences | None = None) -> dict[str, Any]:
    return {
        "user": user_json(member.user, (presence or {}).get(member.user_id, HIDDEN)),
        "role": member.role,
        "joined_at": iso(member.joined_at),
    }


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    archived = FlagField()
    pinned = FlagField()
    marked_unread = FlagField(
        help_text=(
            "Shows the conversation as unread, whatever `unread_count` is. A receipt with "
            "`read_seq` or an own message ends it."
        )
    )

    class Meta:
        model = Membership
        fields = (
            "role", "delivered_seq", "read_seq", "muted_until", "archived", "pinned",
            "marked_unread",
        )  # fmt: skip
        read_only_fields = ("role", "delivered_seq", "read_seq")


class MemberSerializer(serializers.ModelSerializer[Membership]):
    user = UserSerializer()

    class Meta:
        model = Membership
        fields = ("user", "role", "joined_at")


class ConversationSerializer(serializers.Serializer[Membership]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = serializers.CharField(help_text="In a direct chat, the other person's display name.")
    avatar_url = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    version = serializers.IntegerField()
    last_seq = serializers.IntegerField()
    delivered_seq = serializers.IntegerField(
        help_text="Every member has received messages up to this `seq`."
    )
    read_seq = serializers.IntegerField(
        help_text="Every member has read messages up to this `seq`."
    )
    unread_count = serializers.IntegerField()
    last_message = MessageSerializer(allow_null=True)
    member_count = serializers.IntegerField()
    members = MemberSerializer(
        many=True,
        required=False,
        help_text=(
            "In live events `online` and `last_seen_at` are null, because all members get the "
            "same event. Use `watch` to follow presence."
        ),
    )
    membership = MembershipSerializer(help_text="Your own membership.")


class ConversationPageSerializer(serializers.Serializer[Any]):
    results = ConversationSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class MemberPageSerializer(serializers.Serializer[Any]):
    results = MemberSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NewConversationSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = TextField(max_length=MAX_TITLE_LENGTH, required=False)
    members = serializers.ListField(
        child=TextField(max_length=150), allow_empty=False, max_length=MAX_GROUP_SIZE
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == Conversation.Kind.DIRECT and len(attrs["members"]) != 1:
            raise serializers.ValidationError(
                {"members": ["A direct chat needs exactly one other member."]}
            )
        if attrs["kind"] == Conversation.Kind.GROUP and not attrs.get("title"):
            raise serializers.ValidationError({"title": ["A group needs a title."]})
        return attrs


class TitleSerializer(serializers.Serializer[Any]):
    title = TextField(max_length=MAX_TITLE_LENGTH)


class NewMembersSerializer(serializers.Serializer[Any]):
    members = serializers.ListField(
        child=TextField(max_length=150), allow_empty=False, max_length=MAX_GROUP_SIZE
    )


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Membership.Role.choices)
