"""The encrypted files of attachments, in the storage that the settings call "attachments".

A file begins with a random salt, from which its key is derived. Then come chunks of 64 KiB, each
encrypted with AES-256-GCM. The nonce of a chunk is its number and whether it is the last one, so
chunks that are reordered, left out or cut off are detected (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár). Reading a part of a file decrypts only the chunks that it needs.
"""

from __future__ import annotations

import io
import logging
import secrets
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files import File
from django.core.files.storage import Storage, storages

from chatflow.images.process import Readable
from conversations.encryption.envelope import CannotBeRead, file_key
from messaging.attachments.models import Attachment

logger = logging.getLogger(__name__)

DIRECTORY = "attachments"
SALT_BYTES = 32
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
NUMBER_BYTES = 11  # of the nonce, whose last byte tells whether the chunk is the last one


class Variant(StrEnum):
    """The file itself, or one of the smaller versions of an image."""

    ORIGINAL = ""
    THUMBNAIL = "thumbnail"
    PREVIEW = "preview"


def storage() -> Storage:
    return storages["attachments"]


def new_path() -> str:
    name = secrets.token_hex(16)
    return f"{DIRECTORY}/{name[:2]}/{name}"


def path_of(attachment: Attachment, variant: Variant) -> str:
    return f"{attachment.path}.{variant}" if variant else attachment.path


def write(attachment: Attachment, variant: Variant, plain: Readable) -> int:
    """Encrypt a file into the storage and return how many bytes it takes there.

    The attachment need not be saved. Nothing is left behind if writing fails.
    """
    path = path_of(attachment, variant)
    encrypted = _EncryptedReader(_cipher_chunks(attachment, variant, plain))
    try:
        storage().save(path, File(encrypted))  # type: ignore[arg-type]
    except BaseException:
        with suppress(OSError):
            storage().delete(path)
        raise
    return encrypted.size


def delete(paths: list[str]) -> None:
    """Delete the files of attachments with these paths. Missing ones are ignored."""
    for path in paths:
        for variant in Variant:
            try:
                storage().delete(f"{path}.{variant}" if variant else path)
            except OSError as error:  # `check_attachments` finds it again
                logger.error("an attachment's file was not deleted: %s", type(error).__name__)


class StoredFile:
    """An open file of an attachment. Raises CannotBeRead if it is missing or was altered."""

    def __init__(self, attachment: Attachment, variant: Variant) -> None:
        self._binding = _binding(attachment, variant)
        try:
            self._file: IO[bytes] = storage().open(path_of(attachment, variant))
            self._stored_bytes = storage().size(path_of(attachment, variant)) - SALT_BYTES
        except OSError:
            raise CannotBeRead from None
        salt = self._file.read(SALT_BYTES)
        self._cipher = AESGCM(file_key(attachment.conversation, salt=salt))
        self._last = (self._stored_bytes - 1) // (CHUNK_BYTES + TAG_BYTES)

    @property
    def size(self) -> int:
        """The number of bytes of the decrypted file."""
        return self._stored_bytes - (self._last + 1) * TAG_BYTES

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the decrypted bytes from `start` up to and without `stop`, in pieces."""
        for number in range(start // CHUNK_BYTES, (stop - 1) // CHUNK_BYTES + 1):
            first = number * CHUNK_BYTES
            yield self._chunk(number)[max(start - first, 0) : stop - first]

    def close(self) -> None:
        self._file.close()

    def _chunk(self, number: int) -> bytes:
        self._file.seek(SALT_BYTES + number * (CHUNK_BYTES + TAG_BYTES))
        encrypted = self._file.read(CHUNK_BYTES + TAG_BYTES)
        nonce = _nonce(number, is_last=number == self._last)
        try:
            return self._cipher.decrypt(nonce, encrypted, self._binding)
        except InvalidTag:
            raise CannotBeRead from None


class _EncryptedReader(io.RawIOBase):
    """A readable file of the bytes that an iterator yields, because storages expect a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self.size = 0  # bytes that have been read

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Accept only the start before anything is read, because storages seek to it first."""
        if offset or whence != io.SEEK_SET or self.size:
            raise io.UnsupportedOperation("seek")
        return 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._rest = self._rest or next(self._chunks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        self.size += count
        return count


def _cipher_chunks(attachment: Attachment, variant: Variant, plain: Readable) -> Iterator[bytes]:
    salt = secrets.token_bytes(SALT_BYTES)
    cipher = AESGCM(file_key(attachment.conversation, salt=salt))
    yield salt
    number, chunk = 0, plain.read(CHUNK_BYTES)
    while chunk:
        following = plain.read(CHUNK_BYTES)
        nonce = _nonce(number, is_last=not following)
        yield cipher.encrypt(nonce, chunk, _binding(attachment, variant))
        number, chunk = number + 1, following


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(NUMBER_BYTES) + bytes([is_last])


def _binding(attachment: Attachment, variant: Variant) -> bytes:
    """Return what authenticates that a file belongs to this attachment."""
    return attachment.id.bytes + variant.encode()
