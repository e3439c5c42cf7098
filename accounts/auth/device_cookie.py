"""Device cookies, as OWASP describes them: they prove that a browser has logged in to an account.

Pages set one at every login and `login_throttle` reads it. The cookie grants no access: it only
gives this browser its own budget of failed logins, so that attacks on the account from elsewhere do
not lock its owner out. It does not reveal which account it belongs to.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

DEVICE_COOKIE_AGE = timedelta(days=365)


def new_device_cookie(user: User) -> str:
    device_id = secrets.token_urlsafe(12)
    return f"{device_id}.{_signature(device_id, user)}"


def device_of_cookie(cookie: str, user: User | None) -> str:
    """Return the device id, or an empty string if the cookie was not issued to this user."""
    device_id, _, signature = cookie.partition(".")
    is_valid = user and constant_time_compare(signature, _signature(device_id, user))
    return device_id if is_valid else ""


def _signature(device_id: str, user: User) -> str:
    """Sign the id together with the password hash, so that a new password revokes all cookies."""
    value = f"{user.id}.{user.password}.{device_id}"
    return salted_hmac("accounts.auth.device_cookie", value, algorithm="sha256").hexdigest()
