"""Filters for attachments: the size of an image or video, file types and durations."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import PurePath
from typing import Any

from django import template
from django.utils.formats import number_format

from messaging.attachments.models import Attachment, counted
from messaging.attachments.serializers import attachment_json

register = template.Library()

MAX_WIDTH, MAX_HEIGHT = 320, 340  # CSS pixels in a message
MAX_TYPE_LENGTH = 5  # characters of an extension that people know
UNITS = ("B", "kB", "MB", "GB")


register.filter(counted)


@register.filter
def described(attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    """Return the attachments as in the API, with the size at which images and videos are shown."""
    return [
        facts | {"space": fitted(facts["width"], facts["height"])}
        for facts in map(attachment_json, attachments)
    ]


def fitted(width: int | None, height: int | None) -> tuple[int, int]:
    """Return the displayed width and height, so that the page does not move when it loads."""
    width, height = width or MAX_WIDTH, height or MAX_WIDTH * 9 // 16
    scale = min(1, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


@register.filter
def filesize(size: int) -> str:
    """Return “1.4 MB”, as static/js/file-choice.js writes it before the file is sent."""
    power = min(len(UNITS) - 1, (max(size, 1).bit_length() - 1) // 10)
    step = Decimal("0.1") if power > 1 else Decimal(1)
    rounded = (Decimal(size) / 1024**power).quantize(step, ROUND_HALF_UP)
    return f"{number_format(str(rounded).removesuffix('.0'))}\u00a0{UNITS[power]}"


@register.filter
def extension(name: str) -> str:
    """Return “PDF” for “report.pdf”, or an empty text."""
    suffix = PurePath(name).suffix[1:]
    return suffix.upper() if len(suffix) <= MAX_TYPE_LENGTH else ""


@register.filter
def clock(seconds: float | None) -> str:
    """Return “1:05” for 65 seconds."""
    minutes, rest = divmod(round(seconds or 0), 60)
    return f"{minutes}:{rest:02}"
