"""Limits failed logins, before a password is hashed. Used by the `log_in` service.

Failed logins are counted against three limits; successful ones do not count.

- By account and address: small, so that one user's failures affect nobody else at that address.
- By account: large. It stops an attacker who has many addresses.
- By address: large. It stops an attacker who tries many accounts.

The last two do not apply at an address from which the account has logged in before. A browser with
a valid device cookie has a small limit of its own instead of all three, and a large one that it
shares with the account's other browsers. So attackers, even at the same address, cannot lock users
out of the browsers that they normally use.

Without limits an attacker could try any number of passwords. With a limit by account alone, they
could lock its owner out. django-axes could replace this module, but has no device cookies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.auth.device_cookie import device_of_cookie
from accounts.models import Login, User
from accounts.names import canonical_login
from chatflow.errors import DomainError
from chatflow.limits import policy as limits
from chatflow.limits.policy import consume
from chatflow.server.proxies import network_of

REMEMBERED_LOGINS = 100
ANY_BROWSER = "any"  # never a device id, which is longer


class BadCredentials(DomainError):
    code = "bad_credentials"
    status = 401
    message = _("Incorrect username or password.")


@contextmanager
def login_attempt(
    *, name: str, user: User | None, address: str, device_cookie: str
) -> Iterator[None]:
    """Count this attempt if it raises BadCredentials. Raises TooMany if there were too many.

    `name` is the username or email as it was typed. Unknown names are counted like known ones, so
    that the limits do not reveal which accounts exist.
    """
    account, browser = canonical_login(name), device_of_cookie(device_cookie, user)
    with ExitStack() as refunds:
        if not browser and not _has_logged_in_from(address, user):
            # The address comes first, so that a refused address cannot fill memory with names.
            refunds.callback(consume(limits.FAILED_LOGINS_FROM_ADDRESS, address=address))
            refunds.callback(consume(limits.FAILED_LOGINS_OF_ACCOUNT, account=account))
        if browser:
            # Not the bucket of unknown browsers, which an attacker can exhaust.
            refunds.callback(
                consume(limits.FAILED_LOGINS_OF_ACCOUNT, account=account, browser=ANY_BROWSER)
            )
        place: dict[str, Any] = {"browser": browser} if browser else {"address": address}
        consume(limits.LOGIN, account=account, **place)
        refunds.callback(consume(limits.FAILED_LOGINS, account=account, **place))
        try:
            yield
        except BadCredentials:
            refunds.pop_all()  # the attempt counts
            raise


def _has_logged_in_from(address: str, user: User | None) -> bool:
    """Return whether one of the latest logins, ended or not, came from this address's network."""
    logins = Login.objects.filter(user=user).order_by("-last_used_at")
    addresses = logins.values_list("ip", flat=True)[:REMEMBERED_LOGINS]
    return network_of(address) in {network_of(ip) for ip in addresses if ip}
