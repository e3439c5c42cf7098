"""With a real Redis: delivery between processes, and interruptions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from copy import deepcopy

import pytest

from chatflow import settings as configured
from chatflow.live import publishing
from chatflow.live.events import Event, Unsubscribe
from chatflow.live.sockets import in_thread
from tests.live.conftest import FakeSocket, set_layer_timeouts, until
from tests.live.proxy import Proxy
from tests.live.test_hub import ALICE, GARDEN, make_event

pytestmark = pytest.mark.services


@pytest.fixture
async def redis(settings) -> AsyncIterator[Proxy]:
    """Use the configured layer, through a proxy."""
    proxy = Proxy(configured.ENVIRONMENT.redis_url)
    await proxy.start()
    layers = deepcopy(configured.CHANNEL_LAYERS)
    layers["default"]["CONFIG"]["hosts"][0]["address"] = proxy.url
    settings.CHANNEL_LAYERS = layers
    yield proxy
    proxy.thaw()
    await publishing.channel_layer().flush()
    await proxy.stop()


async def publish_elsewhere(*events: Event) -> None:
    """Publish as another process does: on its own loop and over its own connections."""
    await asyncio.to_thread(asyncio.run, publishing.apublish(*events))


async def test_one_process_receives_the_events_of_another(redis, open_hub):
    hub = open_hub()
    bob, carol = FakeSocket("bob"), FakeSocket("carol")
    await hub.subscribe(bob, {GARDEN: 0, ALICE: 0})
    await hub.subscribe(carol, {GARDEN: 0})

    await publish_elsewhere(
        make_event(1), make_event(2, "gone", control=Unsubscribe(["bob"])), Event(ALICE, json="hi")
    )

    await until(lambda: len(bob.frames) == len(carol.frames) == 2)
    assert bob.frames == ['"1"', "hi"]
    assert carol.frames == ['"1"', '"gone"']


async def test_a_frozen_redis_does_not_delay_publishing_for_long(
    redis, open_hub, monkeypatch, caplog
):
    monkeypatch.setattr(publishing, "PUBLISH_SECONDS", 0.1)
    hub = open_hub()
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})
    publishing.bind_event_loop()

    redis.freeze()
    for version in (1, 2, 3):
        await in_thread(publishing.publish, make_event(version))

    assert caplog.text.count("not published") == 1


@pytest.mark.parametrize("failure", ["freeze", "stop"])
async def test_sockets_catch_up_when_redis_is_back(redis, open_hub, monkeypatch, failure):
    set_layer_timeouts(monkeypatch, 1)
    hub = open_hub()
    before, meanwhile = FakeSocket(), FakeSocket()
    await hub.subscribe(before, {GARDEN: 0, ALICE: 0})
    topics = {f"conversation.{number}": 0 for number in range(50)}
    await hub.subscribe(before, topics)

    if failure == "freeze":
        redis.freeze()
    else:
        await redis.stop()
    await until(lambda: hub.is_disconnected)
    await hub.subscribe(meanwhile, {GARDEN: 0})
    set_layer_timeouts(monkeypatch, 30)
    if failure == "freeze":
        redis.thaw()
    else:
        await redis.start()

    await until(lambda: before.catch_ups and meanwhile.catch_ups)
    await publish_elsewhere(make_event(1), *(Event(topic, json=topic) for topic in topics))
    await until(lambda: len(before.frames) == 51 and meanwhile.frames == ['"1"'])


async def test_a_broken_connection_is_opened_again(redis, open_hub):
    hub = open_hub()
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    redis.cut()
    version = 0
    while not socket.frames:
        version += 1
        await publish_elsewhere(make_event(0, str(version)))
        await asyncio.sleep(0.05)

    assert socket.frames
