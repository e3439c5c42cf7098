"""A real Redis: between processes, and away for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy

import pytest

from chatflow import realtime
from chatflow import settings as configured
from chatflow.realtime import Event
from chatflow.sockets import in_thread
from tests.realtime.conftest import Ear, until
from tests.realtime.proxy import Proxy
from tests.realtime.test_hub import ALICE, GARDEN, news

pytestmark = pytest.mark.services


@pytest.fixture
async def redis(settings, monkeypatch) -> AsyncIterator[Proxy]:
    """The layer as it is configured, over a wire of the test's own."""
    monkeypatch.setattr("chatflow.hub.BEAT_SECONDS", 1)
    monkeypatch.setattr("chatflow.hub.LAYER_SECONDS", 1)
    proxy = Proxy(configured.ENVIRONMENT.redis_url)
    await proxy.start()
    layers = deepcopy(configured.CHANNEL_LAYERS)
    layers["default"]["CONFIG"]["hosts"][0]["address"] = proxy.url
    settings.CHANNEL_LAYERS = layers
    yield proxy
    proxy.thaw()
    await realtime.channel_layer().flush()
    await proxy.stop()


async def publish_elsewhere(*events: Event) -> None:
    """As another process does: on a loop, and over connections, of its own."""
    await asyncio.to_thread(asyncio.run, realtime._send(events))


async def test_one_process_hears_the_other(redis, open_hub):
    hub = open_hub()
    bob, carol = Ear("bob"), Ear("carol")
    await hub.join(bob, {GARDEN: 0, ALICE: 0})
    await hub.join(carol, {GARDEN: 0})

    await publish_elsewhere(news(1), news(2, "gone", leaves=["bob"]), Event(ALICE, json="hi"))

    await until(lambda: len(bob.frames) == len(carol.frames) == 2)
    assert bob.frames == ['"1"', "hi"]
    assert carol.frames == ['"1"', '"gone"']


async def test_a_frozen_redis_holds_nobody_up_for_long(redis, open_hub, monkeypatch, caplog):
    monkeypatch.setattr(realtime, "PUBLISH_SECONDS", 0.1)
    hub = open_hub()
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})
    realtime.publish_from_here()

    redis.freeze()
    for version in (1, 2, 3):
        await in_thread(realtime.publish, news(version))

    assert caplog.text.count("not published") == 1


@pytest.mark.parametrize("trouble", ["freeze", "stop"])
async def test_sockets_are_told_when_redis_is_back(redis, open_hub, trouble):
    hub = open_hub()
    before, meanwhile = Ear(), Ear()
    await hub.join(before, {GARDEN: 0, ALICE: 0})
    topics = {f"conversation.{number}": 0 for number in range(50)}
    await hub.join(before, topics)

    if trouble == "freeze":
        redis.freeze()
    else:
        await redis.stop()
    await until(lambda: hub.is_lost)
    await hub.join(meanwhile, {GARDEN: 0})
    if trouble == "freeze":
        redis.thaw()
    else:
        await redis.start()

    await until(lambda: before.caught_up and meanwhile.caught_up)
    await publish_elsewhere(news(1), *(Event(topic, json=topic) for topic in topics))
    await until(lambda: len(before.frames) == 51 and meanwhile.frames == ['"1"'])


async def test_a_connection_that_breaks_is_made_anew(redis, open_hub):
    hub = open_hub()
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    redis.cut()
    version = 0
    while not ear.frames:
        version += 1
        await publish_elsewhere(news(0, str(version)))
        await asyncio.sleep(0.05)

    assert ear.frames
