"""A system check that MESSAGE_KEYS can read the stored keys. The server runs it at the start."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from conversations.encryption.envelope import opens
from conversations.models import Conversation

logger = logging.getLogger(__name__)

# Keys read from each end of the table, which takes a tenth of a second. An interrupted rotation has
# re-wrapped the keys at one end only, and ids are random, so both ends are good samples.
SAMPLE = 5000


@register(Tags.database)
def message_keys_open_what_is_stored(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **_kwargs: Any,
) -> list[CheckMessage]:
    """Report an error if MESSAGE_KEYS cannot unwrap a stored key.

    Otherwise every history would be unreadable, and new messages could not be sent.
    """
    if not databases:
        return []
    try:
        keys = _sample("id") + _sample("-id")
    except DatabaseError as error:  # before the first migration, or unreachable: /readyz reports it
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
