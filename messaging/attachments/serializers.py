"""Attachments as JSON, and the form of an upload."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from messaging.attachments.files import Variant
from messaging.attachments.models import Attachment

WAVEFORM_STEPS = 64
LONGEST_SECONDS = 24 * 60 * 60


def attachment_json(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": str(attachment.id),
        "kind": attachment.kind,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "width": attachment.width,
        "height": attachment.height,
        "duration": attachment.duration,
        "waveform": attachment.waveform,
        "url": url_of(attachment),
        "thumbnail_url": url_of(attachment, Variant.THUMBNAIL)
        if attachment.has_thumbnail
        else None,
        "preview_url": url_of(attachment, Variant.PREVIEW) if attachment.has_preview else None,
    }


def url_of(attachment: Attachment, variant: Variant = Variant.ORIGINAL) -> str:
    name = f"attachment-{variant}" if variant else "attachment"
    return reverse(name, args=[attachment.conversation_id, attachment.id])


class AttachmentSerializer(serializers.Serializer[Attachment]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(Attachment.Kind.choices)
    name = serializers.CharField()
    content_type = serializers.CharField(help_text="Found from the content.")
    size = serializers.IntegerField(help_text="In bytes.")
    width = serializers.IntegerField(allow_null=True, help_text="In pixels.")
    height = serializers.IntegerField(allow_null=True, help_text="In pixels.")
    duration = serializers.FloatField(allow_null=True, help_text="In seconds.")
    waveform = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=100),
        allow_null=True,
        help_text="The loudness of a voice message over time.",
    )
    url = serializers.CharField()
    thumbnail_url = serializers.CharField(
        allow_null=True, help_text="A WebP image of at most 360 pixels, for images."
    )
    preview_url = serializers.CharField(
        allow_null=True,
        help_text="A WebP image of at most 1600 pixels, for images that are not animated.",
    )


class AttachmentUploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)
    name = serializers.CharField(
        required=False, allow_blank=True, help_text="Instead of the name in the form."
    )
    kind = serializers.ChoiceField(
        choices=[Attachment.Kind.VOICE.value],
        required=False,
        help_text="For a voice message. Otherwise the content decides.",
    )
    duration = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=LONGEST_SECONDS,
        help_text="Of a voice message, in seconds.",
    )
    waveform = serializers.JSONField(
        required=False, help_text="Of a voice message: at most 64 integers from 0 to 100."
    )

    def validate_waveform(self, value: Any) -> list[int]:
        is_valid = isinstance(value, list) and all(
            type(step) is int and 0 <= step <= 100 for step in value
        )
        if not is_valid or not 1 <= len(value) <= WAVEFORM_STEPS:
            raise serializers.ValidationError(
                f"A waveform is a list of 1 to {WAVEFORM_STEPS} integers from 0 to 100."
            )
        steps: list[int] = value
        return steps
