"""Argon2 with a limit on concurrent hashes, each of which takes 100 MB and a quarter of a second.

Without the limit a burst of logins would exhaust the memory. An external limit on the number of
login requests in progress, such as a reverse proxy's, could replace it.
"""

from __future__ import annotations

import os

from django.contrib.auth.hashers import Argon2PasswordHasher

from chatflow.limits.concurrency import ConcurrencyLimit

concurrent_hashes = ConcurrencyLimit(os.cpu_count() or 1, patience_seconds=5)


class BoundedArgon2(Argon2PasswordHasher):
    """Compute one hash per processor at a time. Raises Unavailable after waiting for too long."""

    def encode(self, password: str, salt: str) -> str:
        with concurrent_hashes.taken():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with concurrent_hashes.taken():
            return super().verify(password, encoded)
