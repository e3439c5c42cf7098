"""A Redis that accepts connections and says nothing: each question waits once, and not for long."""

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
    """The kernel lets clients in, and nobody ever reads what they say."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_the_cache_does_not_try_again_on_its_own(frozen):
    cache = RedisCache(
        f"redis://127.0.0.1:{frozen.getsockname()[1]}/0",
        {"OPTIONS": settings.CACHES["default"]["OPTIONS"]},
    )

    with pytest.raises(TimeoutError):
        cache.get("anything")

    frozen.accept()
    with pytest.raises(BlockingIOError):
        frozen.accept()
