"""A pytest plugin that gives each xdist worker its own Redis database, before settings are read.

Every test empties its database, and would delete the presence, limits and caches of other workers.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

DATABASES = 16  # of a Redis with default configuration
DATABASES_EACH = 2  # the next one is for the servers of the journeys


def own_redis(url: str, *, worker: int) -> str:
    parts = urlsplit(url)
    number = (int(parts.path.strip("/") or 0) + worker * DATABASES_EACH) % DATABASES
    return urlunsplit(parts._replace(path=f"/{number}"))


if url := os.environ.get("REDIS_URL"):
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = own_redis(url, worker=worker)
