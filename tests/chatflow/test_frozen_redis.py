"""A Redis that accepts connections but does not answer delays each command once, and briefly."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import TimeoutError

pytestmark = pytest.mark.services


@pytest.fixture
def frozen() -> Iterator[socket.socket]:
    """Listen without ever accepting: the kernel completes the connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_cache_does_not_retry_a_frozen_redis(frozen):
    cache = RedisCache(
        f"redis://127.0.0.1:{frozen.getsockname()[1]}/0",
        {"OPTIONS": settings.CACHES["default"]["OPTIONS"]},
    )

    with pytest.raises(TimeoutError):
        cache.get("anything")

    frozen.accept()
    with pytest.raises(BlockingIOError):
        frozen.accept()
