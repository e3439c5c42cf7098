"""Where limits are counted: in Redis, shared by all processes, or in the memory of this one.

A limit is a bucket: it holds so many tokens, an act takes one, and they come back evenly. It is
remembered as the moment at which it is full again, so one number says all, and a full one need not
be kept. `chatflow.limits` is who takes.
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

PATIENCE_SECONDS = 0.25  # how long a frozen Redis may hold up an act
SILENT_SECONDS = 5  # and how long nobody asks it again
MOST_CONNECTIONS = 20
MOST_BUCKETS = 50_000  # in memory; beyond that the one that was touched longest ago is forgotten
BLINK_SECONDS = 0.001  # of waiting are none, for the sake of floating point


class Whose(StrEnum):
    PERSON = "person"
    ADDRESS = "address"
    ACCOUNT = "account"
    ACCOUNT_AT_ADDRESS = "account and address"
    ACCOUNT_IN_BROWSER = "account and browser"
    SOCKET = "socket"


@dataclass(frozen=True)
class Limit:
    """So many at once; the whole of them comes back in so many seconds."""

    what: str
    at_once: int
    seconds: int
    whose: Whose

    @property
    def interval(self) -> float:
        """Seconds until one comes back."""
        return self.seconds / self.at_once


def buckets() -> Buckets:
    return _shared(settings.REDIS_URL) if settings.REDIS_URL else _here


class Buckets(Protocol):
    def take(self, key: str, limit: Limit) -> float:
        """Seconds to wait; with none, one was taken."""

    def give_back(self, key: str, limit: Limit) -> None: ...


def taken(full_at: float, now: float, limit: Limit) -> tuple[float, float]:
    """When the bucket will be full once one is taken, and how long that has to wait."""
    full_at = max(full_at, now) + limit.interval
    wait = full_at - now - limit.seconds
    return full_at, wait if wait > BLINK_SECONDS else 0.0


class MemoryBuckets:
    def __init__(self, *, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._full_at: dict[str, float] = {}  # in the order of use
        self._lock = threading.Lock()

    def take(self, key: str, limit: Limit) -> float:
        with self._lock:
            before = self._full_at.pop(key, 0.0)
            full_at, wait = taken(before, time.monotonic(), limit)
            self._full_at[key] = before if wait else full_at
            if len(self._full_at) > self._most:
                del self._full_at[next(iter(self._full_at))]
            return wait

    def give_back(self, key: str, limit: Limit) -> None:
        with self._lock:
            if key in self._full_at:
                self._full_at[key] -= limit.interval


# The same arithmetic by Redis's own clock, which all processes share. One key, so any node of a
# cluster can run it; giving back is taking minus one.
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
    """While Redis is away people go on: each process then counts for itself."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            # At once, for a connection that Redis closed while it was idle; a silence is none.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        )
        self._script = Redis(connection_pool=pool).register_script(SCRIPT)
        self._here = MemoryBuckets()
        self._silent_until = 0.0

    def take(self, key: str, limit: Limit) -> float:
        wait = self._ask(key, limit, 1)
        return self._here.take(key, limit) if wait is None else wait

    def give_back(self, key: str, limit: Limit) -> None:
        if self._ask(key, limit, -1) is None:
            self._here.give_back(key, limit)

    def _ask(self, key: str, limit: Limit, count: int) -> float | None:
        """None when there is no answer, and none is to be expected for a while."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            arguments = [limit.interval, limit.seconds, count, BLINK_SECONDS]
            return float(self._script(keys=[key], args=arguments))
        except RedisError as error:
            self._silent_until = time.monotonic() + SILENT_SECONDS
            logger.warning("limits are not shared for now (%s)", type(error).__name__)
            return None


_here = MemoryBuckets()


@cache
def _shared(url: str) -> RedisBuckets:
    return RedisBuckets(url)
