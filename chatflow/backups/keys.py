"""Which of MESSAGE_KEYS a backup needs, by fingerprint: it names a key and does not tell it."""

from __future__ import annotations

import hashlib
from collections import Counter

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from chatflow.backups.problems import BackupProblem
from conversations.models import Conversation

NO_KEY = ""  # conversations that none of the keys opens


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def in_use() -> dict[str, int]:
    """How many conversations each key opens. A key that opens none is not needed any more."""
    locks = {fingerprint(key): Fernet(key) for key in settings.MESSAGE_KEYS}
    wrapped_keys = Conversation.objects.values_list("wrapped_key", flat=True).iterator()
    return dict(Counter(_opener(bytes(wrapped), locks) for wrapped in wrapped_keys))


def require(needed: dict[str, int]) -> None:
    """Raises BackupProblem unless MESSAGE_KEYS opens what somebody could open before."""
    here = {fingerprint(key) for key in settings.MESSAGE_KEYS}
    missing = {name: count for name, count in needed.items() if name not in (*here, NO_KEY)}
    if missing:
        lacking = ", ".join(f"{name} (for {count})" for name, count in missing.items())
        raise BackupProblem(
            "MESSAGE_KEYS lacks keys that conversations of the backup are sealed with: "
            f"{lacking}. They are in MESSAGE_KEYS, or in the file message_keys of DATA_DIR, "
            "where the backup was made. Fingerprints of the keys here: "
            f"{', '.join(sorted(here))}."
        )


def _opener(wrapped: bytes, locks: dict[str, Fernet]) -> str:
    for name, lock in locks.items():
        try:
            lock.decrypt(wrapped)
        except InvalidToken:
            continue
        return name
    return NO_KEY
