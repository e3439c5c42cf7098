"""Parallel test workers share one Redis but none of its databases."""

from __future__ import annotations

import os

import pytest
from django.conf import settings

from tests.workers import own_redis

MOST_WORKERS = 8  # as in the Makefile


@pytest.mark.parametrize("url", ["redis://localhost", "redis://localhost:6379/5"])
def test_workers_use_different_databases(url):
    urls = [own_redis(url, worker=worker) for worker in range(MOST_WORKERS)]

    numbers = [int(each.rpartition("/")[2]) for each in urls]
    taken = {(number + journeys) % 16 for number in numbers for journeys in (0, 1)}
    assert len(taken) == 2 * MOST_WORKERS
    assert {each.rpartition("/")[0] for each in urls} == {url.removesuffix("/5")}


@pytest.mark.services
def test_settings_use_the_database_of_this_worker():
    assert os.environ["REDIS_URL"] == settings.REDIS_URL
    assert settings.CACHES["default"]["LOCATION"] == settings.REDIS_URL
