"""What must be true of the stored conversations before anything is served."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from conversations.encryption import opens
from conversations.models import Conversation

logger = logging.getLogger(__name__)

# Ids are random, so either end is anybody's; a rotation that was cut off is done at one end alone.
SAMPLE = 5000  # from each end: a tenth of a second


@register(Tags.database)
def message_keys_open_what_is_stored(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **_how: Any,
) -> list[CheckMessage]:
    """Without the right keys every history would be unreadable, and new messages a second one."""
    if not databases:
        return []
    try:
        keys = _sample("id") + _sample("-id")
    except DatabaseError as error:  # not there yet, or away: /readyz tells
        logger.warning("the stored keys cannot be checked: %s", type(error).__name__)
        return []
    if all(opens(key) for key in keys):
        return []
    return [
        Error(
            "MESSAGE_KEYS cannot read what is stored. Bring back the keys it was written with: "
            "the variable, or the file message_keys in DATA_DIR.",
            id="conversations.E001",
        )
    ]


def _sample(order: str) -> list[bytes]:
    wrapped_keys = Conversation.objects.order_by(order).values_list("wrapped_key", flat=True)
    return [bytes(wrapped_key) for wrapped_key in wrapped_keys[:SAMPLE]]
