"""Messages as JSON, for the API and the socket, and what both accept.

A page of history is fifty messages, so the outgoing shape is built by a plain function; its
serializer describes the same shape to the schema.
"""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from accounts.serializers import AuthorSerializer, author
from chatflow.parsing import TextField
from chatflow.times import iso
from conversations.models import Conversation, Membership
from messaging.models import Message, Report
from messaging.search import Found


def message_json(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "conversation": str(message.conversation_id),
        "seq": message.seq,
        "version": message.version,
        "kind": message.kind,
        "sender": author(message.sender),
        "body": message.body,
        "reply_to": _quote(message.quoted),
        "reactions": _reactions(message),
        "attachments": [],
        "created_at": iso(message.created_at),
        "edited_at": iso(message.edited_at),
        "deleted_at": iso(message.deleted_at),
        "status": message.status.value,
    }


def _quote(message: Message | None) -> dict[str, Any] | None:
    if message is None:
        return None
    return {
        "id": str(message.id),
        "seq": message.seq,
        "sender": author(message.sender),
        "body": message.body,
    }


def _reactions(message: Message) -> list[dict[str, Any]]:
    """By emoji, in the order in which they were first given."""
    users: dict[str, list[str]] = {}
    for reaction in message.given_reactions:
        users.setdefault(reaction.emoji, []).append(reaction.user.username)
    return [{"emoji": emoji, "users": names} for emoji, names in users.items()]


def found_json(found: Found) -> dict[str, Any]:
    return {
        "message": message_json(found.message),
        "conversation": {
            "id": str(found.membership.conversation_id),
            "kind": found.membership.conversation.kind,
            "title": found.membership.title,
        },
        "highlights": found.spans,
    }


def member_receipt_json(member: Membership, message: Message) -> dict[str, Any]:
    return {
        "user": author(member.user),
        "delivered": member.delivered_seq >= message.seq,
        "read": member.read_seq >= message.seq,
    }


class QuoteSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    sender = AuthorSerializer(allow_null=True)
    body = serializers.CharField()


class ReactionSerializer(serializers.Serializer[Any]):
    emoji = serializers.CharField()
    users = serializers.ListField(child=serializers.CharField())


class MessageSerializer(serializers.Serializer[Message]):
    id = serializers.UUIDField()
    conversation = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps, the same for every reader.")
    version = serializers.IntegerField(help_text="The conversation's version at its last change.")
    kind = serializers.ChoiceField(Message.Kind.choices)
    sender = AuthorSerializer(allow_null=True, help_text="Null for a deleted account.")
    body = serializers.CharField(help_text="Empty once deleted.")
    reply_to = QuoteSerializer(
        allow_null=True,
        help_text="It follows the original, also when that is edited or deleted, "
        "which leaves the `version` of this message as it is.",
    )
    reactions = ReactionSerializer(many=True)
    attachments = serializers.ListField(child=serializers.DictField())
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(Message.Status.choices)

    def to_representation(self, instance: Message) -> dict[str, Any]:
        return message_json(instance)


class HistorySerializer(serializers.Serializer[Any]):
    results = MessageSerializer(many=True)
    has_before = serializers.BooleanField()
    has_after = serializers.BooleanField()


class ChangesSerializer(serializers.Serializer[Any]):
    messages = MessageSerializer(many=True)
    version = serializers.IntegerField()
    more = serializers.BooleanField()


class FoundConversationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Conversation.Kind.choices)
    title = serializers.CharField()


class FoundSerializer(serializers.Serializer[Any]):
    message = MessageSerializer()
    conversation = FoundConversationSerializer()
    highlights = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="`[start, end]` of what was found, in characters (code points) of the body.",
    )


class FoundPageSerializer(serializers.Serializer[Any]):
    results = FoundSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NumberField(serializers.IntegerField):
    """A whole number. DRF's own field takes "5" as well."""

    def to_internal_value(self, data: float | str) -> int:
        if isinstance(data, str):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class IdField(serializers.UUIDField):
    """A UUID as text. DRF's own field takes numbers as well."""

    def to_internal_value(self, data: object) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TextSerializer(serializers.Serializer[Any]):
    """Bodies are trimmed and measured by the service, so the field only says that it is text."""

    body = TextField(trim_whitespace=False, allow_blank=True)


class NewMessageSerializer(TextSerializer):
    id = IdField(required=False)
    reply_to = IdField(required=False, allow_null=True)


class ReceiptSerializer(serializers.Serializer[Any]):
    delivered_seq = NumberField(min_value=0, required=False)
    read_seq = NumberField(min_value=0, required=False)


class MemberReceiptSerializer(serializers.Serializer[Any]):
    user = AuthorSerializer(allow_null=True)
    delivered = serializers.BooleanField()
    read = serializers.BooleanField()


class MemberReceiptsSerializer(serializers.Serializer[Any]):
    results = MemberReceiptSerializer(many=True)


class ReportSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(Report.Reason.choices)
    comment = TextField(
        required=False, allow_blank=True, help_text="500 characters at most, for moderators only."
    )
