"""Which of MESSAGE_KEYS the stored conversations need; used by backups and `rotate_keys`.

A fingerprint identifies a key without revealing it.
"""

from __future__ import annotations

import hashlib
from collections import Counter

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from conversations.models import Conversation

NO_KEY = ""  # stands for conversations that none of the keys can decrypt


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def count_conversations_by_key() -> dict[str, int]:
    """Return how many conversations each key decrypts, by the key's fingerprint."""
    ciphers = {fingerprint(key): Fernet(key) for key in settings.MESSAGE_KEYS}
    wrapped_keys = Conversation.objects.values_list("wrapped_key", flat=True).iterator()
    return dict(Counter(_matching_key(bytes(wrapped), ciphers) for wrapped in wrapped_keys))


def _matching_key(wrapped: bytes, ciphers: dict[str, Fernet]) -> str:
    for name, cipher in ciphers.items():
        try:
            cipher.decrypt(wrapped)
        except InvalidToken:
            continue
        return name
    return NO_KEY
