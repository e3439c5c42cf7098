"""Messages as JSON, for the API and the socket.

Functions build the JSON that is sent, because DRF's serializers would be slow for a page of fifty
messages. The serializers describe its shape in the OpenAPI schema and parse what clients send.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts.serializers import AuthorSerializer, author
from chatflow.api.parsing import TextField
from chatflow.live.encoding import split_into_batches
from chatflow.times import iso
from conversations.models import Membership
from messaging.attachments.models import MAX_ATTACHMENTS
from messaging.attachments.serializers import AttachmentSerializer, attachment_json
from messaging.history import Changes
from messaging.models import Message


def message_json(message: Message, *, since_seq: int) -> dict[str, Any]:
    """Return the message as a member sees it who joined after `since_seq`."""
    return {
        "id": str(message.id),
        "conversation": str(message.conversation_id),
        "seq": message.seq,
        "version": message.version,
        "kind": message.kind,
        "sender": author(message.sender),
        "body": message.body,
        "reply_to": _quote(message.quoted, since_seq),
        "reactions": _reactions(message),
        "attachments": [attachment_json(attachment) for attachment in message.attachments],
        "created_at": iso(message.created_at),
        "edited_at": iso(message.edited_at),
        "deleted_at": iso(message.deleted_at),
        "status": message.status.value,
    }


def changes_json(membership: Membership, changes: Changes) -> dict[str, Any]:
    """Return as many changes as fit into one frame, but at least one, and whether more are left."""
    messages = messages_json(membership, changes.messages)
    fitting = messages[: len(next(split_into_batches(map(json.dumps, messages)), []))]
    if len(fitting) == len(messages):
        return {"messages": messages, "version": changes.version, "more": changes.more}
    return {"messages": fitting, "version": fitting[-1]["version"], "more": True}


def messages_json(membership: Membership, messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [message_json(message, since_seq=membership.since_seq) for message in messages]


def _quote(message: Message | None, since_seq: int) -> dict[str, Any] | None:
    if message is None:
        return None
    is_visible = message.seq > since_seq
    return {
        "id": str(message.id),
        "seq": message.seq,
        "sender": author(message.sender) if is_visible else None,
        "body": message.body if is_visible else "",
    }


def _reactions(message: Message) -> list[dict[str, Any]]:
    """Group the reactions by emoji, in the order of the first one. Deleted accounts are null."""
    users: dict[str, list[str | None]] = {}
    for reaction in message.given_reactions:
        user = reaction.user
        name = None if user.is_deleted else user.username
        users.setdefault(reaction.emoji, []).append(name)
    return [{"emoji": emoji, "users": names} for emoji, names in users.items()]


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
    users = serializers.ListField(
        child=serializers.CharField(allow_null=True),
        help_text="Usernames; null for a deleted account.",
    )


class MessageSerializer(serializers.Serializer[Message]):
    id = serializers.UUIDField()
    conversation = serializers.UUIDField()
    seq = serializers.IntegerField(help_text="1, 2, 3 … without gaps, the same for every member.")
    version = serializers.IntegerField(
        help_text="The conversation's version when the message last changed."
    )
    kind = serializers.ChoiceField(Message.Kind.choices)
    sender = AuthorSerializer(allow_null=True, help_text="Null for a deleted account.")
    body = serializers.CharField(help_text="Empty if the message was deleted.")
    reply_to = QuoteSerializer(
        allow_null=True,
        help_text="The quoted message as it is now. Editing or deleting it does not change the "
        "`version` of this message. For members who joined after it was sent, `sender` is null and "
        "`body` is empty.",
    )
    reactions = ReactionSerializer(many=True)
    attachments = AttachmentSerializer(many=True)
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(Message.Status.choices)


class HistorySerializer(serializers.Serializer[Any]):
    results = MessageSerializer(many=True)
    has_before = serializers.BooleanField()
    has_after = serializers.BooleanField()


class ChangesSerializer(serializers.Serializer[Any]):
    messages = MessageSerializer(many=True)
    version = serializers.IntegerField()
    more = serializers.BooleanField()


class NumberField(serializers.IntegerField):
    """A whole number. DRF's own field also accepts "5"."""

    def to_internal_value(self, data: float | str) -> int:
        if isinstance(data, str):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class IdField(serializers.UUIDField):
    """A UUID as text. DRF's own field also accepts numbers."""

    def to_internal_value(self, data: object) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class TextSerializer(serializers.Serializer[Any]):
    """A message's text. The service trims it and checks its length."""

    body = TextField(trim_whitespace=False, allow_blank=True)


class NewMessageSerializer(serializers.Serializer[Any]):
    body = TextField(
        trim_whitespace=False,
        allow_blank=True,
        default="",
        help_text="May be empty if the message has attachments.",
    )
    id = IdField(required=False)
    reply_to = IdField(required=False, allow_null=True)
    attachments = serializers.ListField(
        child=IdField(),
        required=False,
        max_length=MAX_ATTACHMENTS,
        help_text="Your own uploads to this conversation that have not been sent, in order.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require a text unless there are attachments."""
        if "body" not in self.initial_data and not attrs.get("attachments"):
            raise serializers.ValidationError(
                {"body": [self.fields["body"].error_messages["required"]]}
            )
        return attrs


class ReceiptSerializer(serializers.Serializer[Any]):
    delivered_seq = NumberField(min_value=0, required=False)
    read_seq = NumberField(min_value=0, required=False)


class MemberReceiptSerializer(serializers.Serializer[Any]):
    user = AuthorSerializer(allow_null=True)
    delivered = serializers.BooleanField()
    read = serializers.BooleanField()


class MemberReceiptsSerializer(serializers.Serializer[Any]):
    results = MemberReceiptSerializer(many=True)
