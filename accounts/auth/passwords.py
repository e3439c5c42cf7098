"""The form in which passwords are hashed, verified and validated."""

from __future__ import annotations

import unicodedata


def normalized_password(password: str) -> str:
    """Return the password in NFKC, because keyboards differ in how they compose letters."""
    return unicodedata.normalize("NFKC", password)
