"""Argon2 with a bound: a hash takes 100 MB and a quarter of a second, for whoever asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher

from chatflow.errors import Unavailable

PATIENCE_SECONDS = 5

_places = BoundedSemaphore(os.cpu_count() or 1)


class BoundedArgon2(Argon2PasswordHasher):
    """As many hashes at once as there are processors; who waits too long is told to come back."""

    def encode(self, password: str, salt: str) -> str:
        with _place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _place():
            return super().verify(password, encoded)


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise Unavailable
    try:
        yield
    finally:
        _places.release()
