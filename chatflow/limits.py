"""How much of what one person, account, address or socket may do; services and sockets spend here.

The table says it all, and `chatflow.buckets` counts.
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

from chatflow.buckets import Limit, Whose, buckets, taken
from chatflow.errors import DomainError
from chatflow.proxies import network_of

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

MINUTE, HOUR = 60, 60 * 60

# --- the table, which README.md repeats ----------------------------------------------------------

# Thirty pupils sign up in one lesson behind one address.
REGISTRATION = Limit("signing up", 100, HOUR, Whose.ADDRESS)
LOGIN = Limit("signing in, with whatever password", 100, 10 * MINUTE, Whose.ACCOUNT_AT_ADDRESS)
GUESSES = Limit("wrong passwords", 10, 10 * MINUTE, Whose.ACCOUNT_AT_ADDRESS)
LOGIN_AGAIN = Limit("signing in, where one has before", 100, 10 * MINUTE, Whose.ACCOUNT_IN_BROWSER)
GUESSES_AGAIN = Limit("wrong passwords", 10, 10 * MINUTE, Whose.ACCOUNT_IN_BROWSER)
# These two are not asked where the account has been signed in to before: see accounts.guesses.
STRANGE_GUESSES = Limit("wrong passwords, from unknown addresses", 200, HOUR, Whose.ACCOUNT)
GUESSES_ABROAD = Limit("wrong passwords, for accounts unknown there", 200, HOUR, Whose.ADDRESS)
PASSWORD = Limit("confirming with one's password", 10, 10 * MINUTE, Whose.PERSON)
# Strangers may fill nobody's mailbox; whose they have begun to fill has the link.
RESETS_OF = Limit("asking for a link to a new password", 5, HOUR, Whose.ACCOUNT)
RESETS_FROM = Limit("asking for a link to a new password", 30, HOUR, Whose.ADDRESS)
# Nobody types this fast; a program that imports or bridges needs no more either.
WRITING = Limit("sending, changing, deleting, reacting", 200, 20, Whose.PERSON)
TYPING = Limit("saying that one is typing", 30, 30, Whose.PERSON)
STARTING = Limit("starting conversations, adding people", 100, 10 * MINUTE, Whose.PERSON)
SEARCH = Limit("searching", 100, 20, Whose.PERSON)
UPLOAD = Limit("uploading", 30, 10 * MINUTE, Whose.PERSON)
EXPORT = Limit("exporting one's data", 5, HOUR, Whose.PERSON)
REPORTING = Limit("reporting", 30, HOUR, Whose.PERSON)
# After a restart everybody comes back at once, an office of hundreds from one address.
SOCKETS_FROM = Limit("opening sockets", 600, MINUTE, Whose.ADDRESS)
SOCKETS_OF = Limit("opening sockets", 60, MINUTE, Whose.PERSON)
# Whoever reconnects asks for the changes of all their conversations, one frame each.
FRAMES = Limit("frames", 500, 10, Whose.SOCKET)
REFUSALS = Limit("frames refused with 429, then it is closed", 100, 100, Whose.SOCKET)

TABLE = (
    *(
        REGISTRATION,
        LOGIN,
        GUESSES,
        LOGIN_AGAIN,
        GUESSES_AGAIN,
        STRANGE_GUESSES,
        GUESSES_ABROAD,
        PASSWORD,
    ),
    *(RESETS_OF, RESETS_FROM, WRITING, TYPING, STARTING, SEARCH, UPLOAD, EXPORT, REPORTING),
    *(SOCKETS_FROM, SOCKETS_OF, FRAMES, REFUSALS),
)

SOCKETS_AT_ONCE = 30  # of a person, in one process


class TooMany(DomainError):
    """`wait` is in how many seconds it may be tried again."""

    code = "too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        words = ngettext(
            "Too fast. Try again in %(seconds)d second.",
            "Too fast. Try again in %(seconds)d seconds.",
            self.wait,
        )
        super().__init__(words % {"seconds": self.wait})


# --- spending ------------------------------------------------------------------------------------


def spend(
    limit: Limit,
    *,
    person: uuid.UUID | None = None,
    account: str = "",
    browser: str = "",
    address: str | None = None,
) -> Callable[[], None]:
    """Takes one, or raises TooMany. Answers what gives it back."""
    if not settings.THROTTLE_ON:
        return _nothing
    place = None if address is None else network_of(address)
    kept, key = buckets(), _key(limit, person, account, browser, place)
    if wait := kept.take(key, limit):
        raise TooMany(wait)
    return lambda: kept.give_back(key, limit)


def limited(
    limit: Limit,
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Has whoever acts, a service's `user` or the one of its `membership`, spend first: outside of
    the service's transaction, and whichever door it is called from."""

    def decorate(act: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(act)
        def spend_and_act(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            given: dict[str, Any] = kwargs
            person = given["user"].id if "user" in given else given["membership"].user_id
            spend(limit, person=person)
            return act(*args, **kwargs)

        return spend_and_act

    return decorate


def _nothing() -> None: ...


def _key(limit: Limit, *whose: object) -> str:
    """Nobody who looks into Redis reads what was typed as a name: it may have been a password."""
    words = "\0".join(map(str, (limit.what, limit.whose, *whose)))
    secret = settings.SECRET_KEY.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    digest = hashlib.blake2b(words.encode(errors="replace"), key=secret, digest_size=16)
    return f"limit:{digest.hexdigest()}"


# --- what belongs to one socket or one process ---------------------------------------------------


class Pace:
    """A bucket of one's own, that nobody else can reach."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._full_at = 0.0

    def spend(self) -> None:
        if not settings.THROTTLE_ON:
            return
        full_at, wait = taken(self._full_at, time.monotonic(), self._limit)
        if wait:
            raise TooMany(wait)
        self._full_at = full_at


class Crowd:
    """How many somebody has open at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: Counter[str] = Counter()

    def enter(self, who: str) -> None:
        if settings.THROTTLE_ON and self._inside[who] >= self._most:
            raise TooMany(1)
        self._inside[who] += 1

    def leave(self, who: str) -> None:
        self._inside[who] -= 1
        if self._inside[who] <= 0:
            del self._inside[who]
