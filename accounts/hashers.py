"""Argon2 with a bound: a hash takes 100 MB and a quarter of a second, for whoever asks."""

from __future__ import annotations

import os

from django.contrib.auth.hashers import Argon2PasswordHasher

from chatflow.places import Places

_places = Places(os.cpu_count() or 1, patience_seconds=5)


class BoundedArgon2(Argon2PasswordHasher):
    """As many hashes at once as there are processors; who waits too long is told to come back."""

    def encode(self, password: str, salt: str) -> str:
        with _places.taken():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _places.taken():
            return super().verify(password, encoded)
