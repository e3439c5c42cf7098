"""The cache in Redis holds JSON, so that write access to Redis cannot run code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from redis import Redis

from accounts.presence import mark_online, online_among
from chatflow.db.cache import JsonSerializer

VALUES = ["text", "ä😀", 5, -1, 1.5, True, None, ["a", 1], {"key": ["value"]}]


class Touch:
    """Create a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("value", VALUES)
def test_serialized_values_are_restored(value):
    serializer = JsonSerializer()

    assert serializer.loads(serializer.dumps(value)) == value


@pytest.mark.services
@pytest.mark.parametrize("value", VALUES)
def test_values_are_restored_from_redis(value):
    cache.set("anything", value)

    assert cache.get("anything") == value


@pytest.mark.services
def test_numbers_in_redis_can_be_incremented():
    cache.set("count", 1)

    assert cache.incr("count") == 2
    assert cache.get("count") == 2


@pytest.mark.services
def test_pickled_code_in_redis_is_not_executed(tmp_path):
    mark_online(["alice"])
    assert online_among(["alice", "bob"]) == {"alice"}
    touched = tmp_path / "touched"

    key = cache.make_key("present:alice")
    Redis.from_url(settings.REDIS_URL).set(key, pickle.dumps(Touch(touched)))

    assert online_among(["alice", "bob"]) is None
    assert not touched.exists()
