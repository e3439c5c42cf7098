"""The table of all limits, and the functions with which services and sockets consume from them.

`chatflow.limits.token_bucket` counts the tokens.
"""

from __future__ import annotations

import hashlib
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.utils.translation import ngettext

from chatflow.errors import DomainError
from chatflow.limits.token_bucket import Limit, Scope, buckets, taken
from chatflow.server.proxies import network_of

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

MINUTE, HOUR = 60, 60 * 60

# --- the table, which README.md repeats ----------------------------------------------------------

# A whole school class may register in one lesson from one address.
REGISTRATION = Limit("registering, requesting a password reset", 100, HOUR, Scope.ADDRESS)
# A browser that has logged in to the account before counts apart from its address.
LOGIN = Limit("logging in", 100, 10 * MINUTE, Scope.ACCOUNT_AT_PLACE)
FAILED_LOGINS = Limit("wrong passwords", 10, 10 * MINUTE, Scope.ACCOUNT_AT_PLACE)
# These two do not apply at known addresses of the account: see accounts.auth.login_throttle.
FAILED_LOGINS_OF_ACCOUNT = Limit(
    "wrong passwords from unknown addresses (known browsers count separately)",
    200,
    HOUR,
    Scope.ACCOUNT,
)
FAILED_LOGINS_FROM_ADDRESS = Limit(
    "wrong passwords for accounts new to the address", 200, HOUR, Scope.ADDRESS
)
PASSWORD = Limit("confirming the password, exporting data", 10, 10 * MINUTE, Scope.PERSON)
RESETS_OF = Limit("requesting a password reset", 5, HOUR, Scope.ACCOUNT)
# No user types this fast, and it is enough for programs that import messages.
WRITING = Limit("sending, editing, deleting, reacting", 200, 20, Scope.PERSON)
TYPING = Limit("reporting that one is typing", 30, 30, Scope.PERSON)
STARTING = Limit("starting conversations, adding people, reporting", 100, 10 * MINUTE, Scope.PERSON)
# A page that reconnects reloads the row of each conversation that changed, hundreds at once.
READING = Limit("loading pages, lists and history", 600, 2 * MINUTE, Scope.PERSON)
SEARCH = Limit("searching", 100, 20, Scope.PERSON)
UPLOAD = Limit("uploading an avatar", 30, 10 * MINUTE, Scope.PERSON)
ATTACHING = Limit("uploading attachments", 100, 10 * MINUTE, Scope.PERSON)
# After a restart all sockets reconnect at once, and those of an office share an address.
SOCKETS_FROM = Limit("opening sockets", 600, MINUTE, Scope.ADDRESS)
SOCKETS_OF = Limit("opening sockets", 60, MINUTE, Scope.PERSON)
# A socket that reconnects requests the changes of all its conversations, one frame each. Pings,
# pongs and fragments are counted apart, and beyond the limit the socket is closed.
FRAMES = Limit("frames", 500, 10, Scope.SOCKET)
REFUSALS = Limit("frames refused with 429 before the socket is closed", 100, 100, Scope.SOCKET)

TABLE = tuple(each for each in tuple(vars().values()) if isinstance(each, Limit))

SOCKETS_AT_ONCE = 30  # of a person, in one process


class TooMany(DomainError):
    """`wait` is the number of seconds after which the request may be repeated."""

    code = "too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        text = ngettext(
            "Too many requests. Try again in %(seconds)d second.",
            "Too many requests. Try again in %(seconds)d seconds.",
            self.wait,
        )
        super().__init__(text % {"seconds": self.wait})


# --- consuming -----------------------------------------------------------------------------------


def consume(
    limit: Limit,
    *,
    person: uuid.UUID | None = None,
    account: str = "",
    browser: str = "",
    address: str | None = None,
) -> Callable[[], None]:
    """Take one token, or raise TooMany. Return a function that puts the token back."""
    if not settings.THROTTLE_ON:
        return _do_nothing
    network = None if address is None else network_of(address)
    shared, key = buckets(), _key(limit, person, account, browser, network)
    if wait := shared.take(key, limit):
        raise TooMany(wait)
    return lambda: shared.refund(key, limit)


def limited(
    limit: Limit,
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorate a service so that it consumes a token of its user, or of its membership's user.

    The token is consumed outside of the service's transaction, whichever interface calls it.
    """

    def decorate(act: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(act)
        def consume_and_act(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            given: dict[str, Any] = kwargs
            person = given["user"].id if "user" in given else given["membership"].user_id
            consume(limit, person=person)
            return act(*args, **kwargs)

        return consume_and_act

    return decorate


def _do_nothing() -> None: ...


def _key(limit: Limit, *scope: object) -> str:
    """Return a keyed hash, so that Redis stores no names: a typed one may have been a password."""
    text = "\0".join(map(str, (limit.what, limit.scope, *scope)))
    secret = settings.SECRET_KEY.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    digest = hashlib.blake2b(text.encode(errors="replace"), key=secret, digest_size=16)
    return f"limit:{digest.hexdigest()}"


# --- what belongs to one socket or one process ---------------------------------------------------


class RateMeter:
    """A token bucket of one socket, in memory."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._full_at = 0.0

    def consume(self) -> None:
        """Take one token, or raise TooMany."""
        if not settings.THROTTLE_ON:
            return
        full_at, wait = taken(self._full_at, time.monotonic(), self._limit)
        if wait:
            raise TooMany(wait)
        self._full_at = full_at


class ConnectionCounter:
    """How many connections or requests each user or address has open at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many owners have any open."""
        return len(self._open)

    def enter(self, owner: str) -> None:
        """Count one more, or raise TooMany."""
        if settings.THROTTLE_ON and self._open[owner] >= self._most:
            raise TooMany(1)
        self._open[owner] += 1

    def leave(self, owner: str) -> None:
        self._open[owner] -= 1
        if self._open[owner] <= 0:
            del self._open[owner]
