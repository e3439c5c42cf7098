"""The mark that a browser keeps of having signed somebody in; pages set it, guesses ask for it.

It opens nothing. It only has the guesses of others, who sit behind the same address perhaps, not
count against whoever brings it. It says nothing of whose it is to whoever finds it.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

MARK_AGE = timedelta(days=365)


def new_mark(user: User) -> str:
    name = secrets.token_urlsafe(12)
    return f"{name}.{_proof(name, user)}"


def name_of_mark(mark: str, user: User | None) -> str:
    """Which mark of this person's it is; nothing, if it is none."""
    name, _, proof = mark.partition(".")
    return name if user and constant_time_compare(proof, _proof(name, user)) else ""


def _proof(name: str, user: User) -> str:
    return salted_hmac("accounts.marks", f"{user.id}.{name}", algorithm="sha256").hexdigest()
