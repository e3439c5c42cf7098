"""Lost events: gaps, missing last events and removals, and interruptions of the layer."""

from __future__ import annotations

import asyncio
import json

import pytest

from chatflow.live import publishing
from chatflow.live.events import Event
from tests.live.conftest import FakeSocket, set_layer_timeouts, until
from tests.live.layers import Breakable
from tests.live.test_hub import GARDEN, make_event


async def test_a_gap_is_skipped_after_a_while(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})
    hub.deliver(make_event(1))
    hub.deliver(make_event(3))
    hub.deliver(make_event(5))
    assert socket.frames == ['"1"']

    await until(lambda: len(socket.frames) == 3)
    hub.deliver(make_event(4))
    hub.deliver(make_event(6))

    assert socket.frames == ['"1"', '"3"', '"5"', '"6"']


async def test_the_conversation_is_refreshed_after_a_gap(hub, backend):
    """The missing event may have been the system message about a new title."""
    await hub.subscribe(FakeSocket(), {GARDEN: 0})

    hub.deliver(make_event(2))

    await until(lambda: backend.refreshed)
    assert backend.refreshed == ["garden"]


async def test_events_that_arrive_in_the_wrong_order_leave_no_gap(hub, monkeypatch):
    monkeypatch.setattr("chatflow.live.topics.GAP_SECONDS", 30)
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    for version in (3, 1, 2):
        hub.deliver(make_event(version))

    assert socket.frames == ['"1"', '"2"', '"3"']


async def test_a_lost_removal_hides_what_follows_from_the_removed_member(hub, backend):
    bob, carol = FakeSocket("bob"), FakeSocket("carol")
    await hub.subscribe(bob, {GARDEN: 0})
    await hub.subscribe(carol, {GARDEN: 0})
    backend.former_members = {"bob"}

    hub.deliver(make_event(2, "after the removal"))
    await until(lambda: carol.frames)
    hub.deliver(make_event(3))

    assert bob.frames == []
    assert hub.topics_of(bob) == set()


async def test_a_member_who_left_and_came_back_unnoticed_sees_no_message_behind_the_gap(
    hub, backend
):
    bob, carol = FakeSocket("bob"), FakeSocket("carol")
    await hub.subscribe(bob, {GARDEN: 0})
    await hub.subscribe(carol, {GARDEN: 0})
    backend.since_seqs = {"bob": 2}

    hub.deliver(make_event(2, "after the removal", seq=2))
    await until(lambda: carol.frames)
    hub.deliver(make_event(3, "welcome back", seq=3))

    assert carol.frames == ['"after the removal"', '"welcome back"']
    assert [json.loads(frame) for frame in bob.frames] == [
        {"type": "version", "conversation": "garden", "version": 2},
        "welcome back",
    ]


async def test_a_gap_is_not_skipped_while_the_database_is_away(hub, backend, monkeypatch, caplog):
    is_away = True

    async def subscribers_allowed(topic: str, user_ids: set[str]) -> dict[str, int]:
        if is_away:
            raise ConnectionError("the database is away")
        return dict.fromkeys(user_ids, 0)

    monkeypatch.setattr(backend, "subscribers_allowed", subscribers_allowed, raising=False)
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    hub.deliver(make_event(2))
    await until(lambda: "waits for its members (ConnectionError)" in caplog.text)
    assert socket.frames == []
    is_away = False

    await until(lambda: socket.frames == ['"2"'])


async def test_lost_last_events_are_noticed(hub, backend):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 6})
    hub.deliver(make_event(7))

    hub.compare_version(GARDEN, 7, stored=8)

    await until(lambda: socket.catch_ups)
    await until(lambda: backend.refreshed == ["garden"])
    hub.deliver(make_event(9))
    assert socket.frames == ['"7"', '"9"']


async def test_last_events_that_are_still_on_their_way_are_not_lost(hub):
    socket, other = FakeSocket(), FakeSocket()
    await hub.subscribe(socket, {GARDEN: 6})
    await hub.subscribe(other, {"conversation.shed": 1})

    hub.compare_version(GARDEN, 6, stored=7)
    hub.compare_version("conversation.shed", 1, stored=2)
    hub.deliver(make_event(7))

    await until(lambda: other.catch_ups)
    assert socket.catch_ups == 0


async def test_versions_count_from_those_of_a_restored_database(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 500})
    hub.deliver(make_event(4))
    assert socket.frames == []

    hub.compare_version(GARDEN, 500, stored=4)

    await until(lambda: socket.catch_ups)
    hub.deliver(make_event(5))
    assert socket.frames == ['"5"']


@pytest.mark.parametrize("failure", ["freeze", "fail", "lose_everything"])
async def test_sockets_catch_up_after_an_interruption(open_hub, monkeypatch, failure):
    set_layer_timeouts(monkeypatch, 1)
    layer = Breakable()
    hub = open_hub()
    sockets = [FakeSocket() for _ in range(25)]
    for socket in sockets:
        await hub.subscribe(socket, {GARDEN: 0})

    getattr(layer, failure)()
    await until(lambda: hub.is_disconnected)
    set_layer_timeouts(monkeypatch, 30)
    layer.mend()

    await until(lambda: all(socket.catch_ups == 1 for socket in sockets))
    await publishing.apublish(make_event(1))
    await until(lambda: all(socket.frames == ['"1"'] for socket in sockets))


async def test_sockets_that_subscribe_during_an_interruption_catch_up_later(open_hub, monkeypatch):
    set_layer_timeouts(monkeypatch, 0.05)
    layer = Breakable()
    layer.fail()
    hub = open_hub()
    first, second = FakeSocket(), FakeSocket()

    await hub.subscribe(first, {GARDEN: 0})
    layer.freeze()
    await hub.subscribe(second, {GARDEN: 0, "user.bob": 0})
    set_layer_timeouts(monkeypatch, 30)
    layer.mend()

    await until(lambda: first.catch_ups and second.catch_ups)
    await publishing.apublish(make_event(1), Event("user.bob", json="hi"))
    await until(lambda: second.frames == ['"1"', "hi"])
    assert first.frames == ['"1"']


async def test_permissions_are_rechecked_periodically(open_hub, backend, monkeypatch):
    monkeypatch.setattr("chatflow.live.hub.RECHECK_SECONDS", 0.01)
    monkeypatch.setattr("chatflow.live.hub.RECHECKED_AT_ONCE", 2)
    hub = open_hub()
    sockets = [FakeSocket() for _ in range(5)]
    for socket in sockets:
        await hub.subscribe(socket, {GARDEN: 0})

    await until(lambda: all(backend.rechecked.count(socket) > 1 for socket in sockets))


async def test_a_failing_recheck_is_repeated(open_hub, backend, monkeypatch, caplog):
    monkeypatch.setattr("chatflow.live.hub.RECHECK_SECONDS", 0.01)
    failures = asyncio.Semaphore(0)

    async def recheck(hub, sockets) -> None:
        failures.release()
        raise ConnectionError("the database is away")

    monkeypatch.setattr(backend, "recheck", recheck, raising=False)
    hub = open_hub()
    await hub.subscribe(FakeSocket(), {GARDEN: 0})

    await failures.acquire()
    await failures.acquire()

    assert "could not be rechecked" in caplog.text
