"""Envelope encryption: a data key per conversation, wrapped by MESSAGE_KEYS.

AES-256-GCM authenticates a text together with the ids of its conversation and message, so altered
and swapped rows are detected. MultiFernet wraps the data keys, so that a rotation of MESSAGE_KEYS
only wraps them again. The keys of the search index and of files are derived from the data key and
survive it.
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

if TYPE_CHECKING:  # conversations.models imports this module
    from conversations.models import Conversation

logger = logging.getLogger(__name__)

KEY_BITS = 256
NONCE_BYTES = 12
DERIVED_KEY_BYTES = 32


@dataclass(frozen=True)
class _Keys:
    """The keys that are derived from one data key."""

    bodies: AESGCM
    index: bytes
    files: bytes


class CannotBeRead(Exception):
    """The text was altered or swapped with another row, or its key is missing."""


class KeyCannotBeRead(Conflict):
    """The conversation's key cannot be unwrapped until its key in MESSAGE_KEYS is restored."""

    code = "key_cannot_be_read"
    message = _("Messages cannot be sent here because the key of this conversation cannot be read.")


def new_wrapped_key() -> bytes:
    return _wrapper(settings.MESSAGE_KEYS).encrypt(AESGCM.generate_key(KEY_BITS))


def opens(wrapped_key: bytes | memoryview) -> bool:
    """Return whether one of MESSAGE_KEYS unwraps this key."""
    return _opens(wrapped_key, settings.MESSAGE_KEYS)


def is_under_first_key(wrapped_key: bytes | memoryview) -> bool:
    """Return whether the first of MESSAGE_KEYS unwraps this key."""
    return _opens(wrapped_key, settings.MESSAGE_KEYS[:1])


def rewrapped(wrapped_key: bytes) -> bytes:
    """Wrap the same data key with the first of MESSAGE_KEYS."""
    return _wrapper(settings.MESSAGE_KEYS).rotate(wrapped_key)


def sealed(text: str, *, conversation: Conversation, message_id: uuid.UUID) -> bytes:
    """Encrypt a text as nonce ‖ ciphertext ‖ tag; raises KeyCannotBeRead.

    A draft takes its writer's id as `message_id`, a report its own.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    binding = conversation.id.bytes + message_id.bytes
    try:
        return nonce + _cipher(conversation).encrypt(nonce, text.encode(), binding)
    except InvalidToken:
        logger.error("the key of conversation %s cannot be read", conversation.id)
        raise KeyCannotBeRead from None


def opened(box: bytes | memoryview, *, conversation: Conversation, message_id: uuid.UUID) -> str:
    """Decrypt what `sealed` has encrypted; raises CannotBeRead."""
    box = bytes(box)  # psycopg returns a memoryview
    binding = conversation.id.bytes + message_id.bytes
    try:
        return _cipher(conversation).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], binding).decode()
    except (InvalidTag, InvalidToken, ValueError):
        raise CannotBeRead from None


def index_key(conversation: Conversation) -> bytes:
    """Return the key of the conversation's search index; raises CannotBeRead."""
    try:
        return _keys(conversation).index
    except InvalidToken:
        raise CannotBeRead from None


def file_key(conversation: Conversation, *, salt: bytes) -> bytes:
    """Return the key of one file, which a random salt identifies; raises CannotBeRead."""
    try:
        return _derived(_keys(conversation).files, b"file", salt=salt)
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
    return _Keys(
        bodies=AESGCM(key), index=_derived(key, b"search index"), files=_derived(key, b"files")
    )


def _derived(key: bytes, purpose: bytes, *, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=DERIVED_KEY_BYTES, salt=salt, info=purpose).derive(key)


@lru_cache(maxsize=4)
def _wrapper(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
