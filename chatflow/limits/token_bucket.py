"""Token buckets, in Redis, which all processes share, or in the memory of this one.

A bucket holds a number of tokens. An action takes one, and they are refilled evenly. A bucket is
stored as the time at which it is full again: one number, and none for a full bucket (this is the
generic cell rate algorithm). `chatflow.limits.policy` consumes the tokens.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol

from django.conf import settings
from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25  # how long a frozen Redis may delay a request
SILENT_SECONDS = 5  # for how long Redis is not asked again after a failure
MOST_CONNECTIONS = 20
MOST_BUCKETS = 50_000  # in memory; beyond that the fullest are deleted
ROUNDING_SECONDS = 0.001  # shorter waits count as none, because of floating point


class Scope(StrEnum):
    PERSON = "person"
    ADDRESS = "address"
    ACCOUNT = "account"
    ACCOUNT_AT_PLACE = "account and address or known browser"
    SOCKET = "socket"


@dataclass(frozen=True)
class Limit:
    """`at_once` tokens, all of which are refilled in `seconds`."""

    what: str
    at_once: int
    seconds: int
    scope: Scope

    @property
    def interval(self) -> float:
        """Return the seconds after which one token is refilled."""
        return self.seconds / self.at_once


def buckets() -> Buckets:
    if not settings.REDIS_URL:
        return _local
    with _creating:  # otherwise the first threads would each count for themselves
        return _shared(settings.REDIS_URL)


class Buckets(Protocol):
    def take(self, key: str, limit: Limit) -> float:
        """Take a token and return 0, or return the seconds to wait."""

    def refund(self, key: str, limit: Limit) -> None: ...


def taken(full_at: float, now: float, limit: Limit) -> tuple[float, float]:
    """Return when the bucket is full again if a token is taken, and how long that has to wait."""
    full_at = max(full_at, now) + limit.interval
    wait = full_at - now - limit.seconds
    return full_at, wait if wait > ROUNDING_SECONDS else 0.0


class MemoryBuckets:
    def __init__(self, *, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, limit: Limit) -> float:
        with self._lock:
            full_at, wait = taken(self._full_at.get(key, 0.0), time.monotonic(), limit)
            if not wait:
                self._full_at[key] = full_at
            if len(self._full_at) > self._most:
                self._delete_a_tenth()
            return wait

    def refund(self, key: str, limit: Limit) -> None:
        with self._lock:
            if key in self._full_at:
                self._full_at[key] -= limit.interval

    def _delete_a_tenth(self) -> None:
        """Delete the fullest buckets, so that a flood of new keys does not lift a refusal.

        Sorting 50 000 takes 20 ms, once in 5 000 new keys.
        """
        for key in sorted(self._full_at, key=self._full_at.__getitem__)[: -(-self._most // 10)]:
            del self._full_at[key]


# The same arithmetic with the clock of Redis, which all processes share. It uses one key, so any
# node of a cluster can run it. A refund takes minus one.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local interval, seconds, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + interval * count
local wait = full_at - now - seconds
if wait > tonumber(ARGV[4]) then
  return string.format('%.6f', wait)
end
local kept = math.ceil((full_at - now) * 1000)
if kept > 0 then
  redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', kept)
else
  redis.call('DEL', KEYS[1])
end
return '0'
"""


class RedisBuckets:
    """Buckets in Redis. While Redis is unavailable each process counts for itself."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            # Retry at once if Redis closed an idle connection, but not after a timeout.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        )
        self._script = Redis(connection_pool=pool).register_script(SCRIPT)
        self._local = MemoryBuckets()
        self._silent_until = 0.0

    def take(self, key: str, limit: Limit) -> float:
        wait = self._ask(key, limit, 1)
        return self._local.take(key, limit) if wait is None else wait

    def refund(self, key: str, limit: Limit) -> None:
        if self._ask(key, limit, -1) is None:
            self._local.refund(key, limit)

    def _ask(self, key: str, limit: Limit, count: int) -> float | None:
        """Return the seconds to wait, or None while Redis is unavailable."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            arguments = [limit.interval, limit.seconds, count, ROUNDING_SECONDS]
            return float(self._script(keys=[key], args=arguments))
        except RedisError as error:
            self._silent_until = time.monotonic() + SILENT_SECONDS
            logger.warning("limits are not shared for now (%s)", type(error).__name__)
            return None


_local = MemoryBuckets()
_creating = threading.Lock()


@cache
def _shared(url: str) -> RedisBuckets:
    return RedisBuckets(url)
