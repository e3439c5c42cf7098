"""A pytest plugin that gives each xdist worker its own Redis database, before settings are read.

Every test flushes its database, which would delete the presence, limits and caches of others.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

DATABASES = 16  # Redis's default
DATABASES_EACH = 2  # the second one is for the servers of the browser journeys


def own_redis(url: str, *, worker: int) -> str:
    parts = urlsplit(url)
    number = (int(parts.path.strip("/") or 0) + worker * DATABASES_EACH) % DATABASES
    return urlunsplit(parts._replace(path=f"/{number}"))


if url := os.environ.get("REDIS_URL"):
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = own_redis(url, worker=worker)
