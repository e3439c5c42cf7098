"""Encryption at rest: a data key per conversation, wrapped by MESSAGE_KEYS, sealing each body.

AES-256-GCM binds a body to its conversation and message, so a row that was altered or swapped with
another is detected. Wrapping with MultiFernet makes rotation a matter of re-wrapping keys. What the
search's index is keyed with is derived from the same data key, so rotation does not touch it.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chatflow.errors import Conflict

if TYPE_CHECKING:
    from conversations.models import Conversation

logger = logging.getLogger(__name__)

KEY_BITS = 256
NONCE_BYTES = 12
INDEX_KEY_BYTES = 32


@dataclass(frozen=True)
class _Keys:
    """What one data key is used for; neither use tells anything about the other."""

    bodies: AESGCM
    index: bytes


class CannotBeRead(Exception):
    """Altered, swapped with another row, or sealed under a key that is not here."""


class KeyCannotBeRead(Conflict):
    """Trying again does not help: somebody has to bring the key back."""

    code = "key_cannot_be_read"
    message = _("Nothing can be written here: the key of this conversation cannot be read.")


def new_wrapped_key() -> bytes:
    return _wrapper(settings.MESSAGE_KEYS).encrypt(AESGCM.generate_key(KEY_BITS))


def opens(wrapped_key: bytes | memoryview) -> bool:
    """Whether one of MESSAGE_KEYS wrapped this key."""
    return _opens(wrapped_key, settings.MESSAGE_KEYS)


def is_under_first_key(wrapped_key: bytes | memoryview) -> bool:
    """A wrapped key does not say what wrapped it; only trying tells."""
    return _opens(wrapped_key, settings.MESSAGE_KEYS[:1])


def rewrapped(wrapped_key: bytes) -> bytes:
    """The same data key under the first of MESSAGE_KEYS."""
    return _wrapper(settings.MESSAGE_KEYS).rotate(wrapped_key)


def sealed(text: str, *, conversation: Conversation, message_id: uuid.UUID) -> bytes:
    """nonce ‖ ciphertext ‖ tag. A draft is sealed under its writer's id in place of a message's.

    Raises KeyCannotBeRead.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    binding = conversation.id.bytes + message_id.bytes
    try:
        return nonce + _cipher(conversation).encrypt(nonce, text.encode(), binding)
    except InvalidToken:
        logger.error("the key of conversation %s cannot be read", conversation.id)
        raise KeyCannotBeRead from None


def opened(box: bytes | memoryview, *, conversation: Conversation, message_id: uuid.UUID) -> str:
    """The text; raises CannotBeRead."""
    box = bytes(box)  # as psycopg answers it, a memoryview
    binding = conversation.id.bytes + message_id.bytes
    try:
        return _cipher(conversation).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], binding).decode()
    except (InvalidTag, InvalidToken, ValueError):
        raise CannotBeRead from None


def index_key(conversation: Conversation) -> bytes:
    """What the words of a conversation are hashed with; raises CannotBeRead."""
    try:
        return _keys(conversation).index
    except InvalidToken:
        raise CannotBeRead from None


def _opens(wrapped_key: bytes | memoryview, keys: tuple[str, ...]) -> bool:
    try:
        _wrapper(keys).decrypt(bytes(wrapped_key))
    except InvalidToken:
        return False
    return True


def _cipher(conversation: Conversation) -> AESGCM:
    return _keys(conversation).bodies


def _keys(conversation: Conversation) -> _Keys:
    return _unwrapped(bytes(conversation.wrapped_key), settings.MESSAGE_KEYS)


@lru_cache(maxsize=4096)
def _unwrapped(wrapped_key: bytes, keys: tuple[str, ...]) -> _Keys:
    key = _wrapper(keys).decrypt(wrapped_key)
    derivation = HKDF(algorithm=SHA256(), length=INDEX_KEY_BYTES, salt=None, info=b"search index")
    return _Keys(bodies=AESGCM(key), index=derivation.derive(key))


@lru_cache(maxsize=4)
def _wrapper(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
