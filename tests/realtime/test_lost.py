"""What the layer loses: holes, last words, removals, and the layer itself for a while."""

from __future__ import annotations

import asyncio

import pytest

from chatflow import realtime
from chatflow.realtime import Event
from tests.realtime.conftest import Ear, until
from tests.realtime.layers import Breakable
from tests.realtime.test_hub import GARDEN, news


async def test_a_hole_is_shown_after_a_while(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})
    hub.deliver(news(1))
    hub.deliver(news(3))
    hub.deliver(news(5))
    assert ear.frames == ['"1"']

    await until(lambda: len(ear.frames) == 3)
    hub.deliver(news(4))
    hub.deliver(news(6))

    assert ear.frames == ['"1"', '"3"', '"5"', '"6"']


async def test_after_a_hole_the_conversation_is_shown_anew(hub, keeper):
    """What is missing may have been the line of a new title, which no other event tells."""
    await hub.join(Ear(), {GARDEN: 0})

    hub.deliver(news(2))

    await until(lambda: keeper.refreshed)
    assert keeper.refreshed == ["garden"]


async def test_what_comes_late_but_in_time_leaves_no_hole(hub, monkeypatch):
    monkeypatch.setattr("chatflow.topics.HOLE_SECONDS", 30)
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    for version in (3, 1, 2):
        hub.deliver(news(version))

    assert ear.frames == ['"1"', '"2"', '"3"']


async def test_a_removal_that_is_lost_shows_its_hole_only_to_those_who_stay(hub, keeper):
    bob, carol = Ear("bob"), Ear("carol")
    await hub.join(bob, {GARDEN: 0})
    await hub.join(carol, {GARDEN: 0})
    keeper.strangers = {"bob"}

    hub.deliver(news(2, "after the removal"))
    await until(lambda: carol.frames)
    hub.deliver(news(3))

    assert bob.frames == []
    assert hub.topics_of(bob) == set()


async def test_nobody_is_shown_a_hole_while_the_database_does_not_say_who_may(
    hub, keeper, monkeypatch, caplog
):
    is_away = True

    async def hearers(topic: str, user_ids: set[str]) -> set[str]:
        if is_away:
            raise ConnectionError("the database is away")
        return user_ids

    monkeypatch.setattr(keeper, "hearers", hearers, raising=False)
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    hub.deliver(news(2))
    await until(lambda: "the database is away" in caplog.text)
    assert ear.frames == []
    is_away = False
    hub.deliver(news(4))

    await until(lambda: ear.frames == ['"2"', '"4"'])


async def test_last_words_that_are_lost_are_noticed(hub, keeper):
    ear = Ear()
    await hub.join(ear, {GARDEN: 6})
    hub.deliver(news(7))

    hub.compare(GARDEN, 7, stored=8)

    await until(lambda: ear.caught_up)
    await until(lambda: keeper.refreshed == ["garden"])
    hub.deliver(news(9))
    assert ear.frames == ['"7"', '"9"']


async def test_last_words_that_were_only_on_their_way_are_not(hub):
    ear, other = Ear(), Ear()
    await hub.join(ear, {GARDEN: 6})
    await hub.join(other, {"conversation.shed": 1})

    hub.compare(GARDEN, 6, stored=7)
    hub.compare("conversation.shed", 1, stored=2)
    hub.deliver(news(7))

    await until(lambda: other.caught_up)
    assert ear.caught_up == 0


async def test_a_database_that_came_back_from_a_backup_is_believed(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 500})
    hub.deliver(news(4))
    assert ear.frames == []

    hub.compare(GARDEN, 500, stored=4)

    await until(lambda: ear.caught_up)
    hub.deliver(news(5))
    assert ear.frames == ['"5"']


@pytest.mark.parametrize("trouble", ["freeze", "fail", "lose_everything"])
async def test_sockets_are_told_when_live_delivery_is_back(open_hub, monkeypatch, trouble):
    monkeypatch.setattr("chatflow.hub.LAYER_SECONDS", 0.05)
    layer = Breakable()
    hub = open_hub()
    ears = [Ear() for _ in range(25)]
    for ear in ears:
        await hub.join(ear, {GARDEN: 0})

    getattr(layer, trouble)()
    await until(lambda: hub.is_lost)
    layer.mend()

    await until(lambda: all(ear.caught_up == 1 for ear in ears))
    await realtime._send([news(1)])
    await until(lambda: all(ear.frames == ['"1"'] for ear in ears))


async def test_whoever_comes_while_the_layer_is_away_is_let_in_and_told_later(
    open_hub, monkeypatch
):
    monkeypatch.setattr("chatflow.hub.LAYER_SECONDS", 0.05)
    layer = Breakable()
    layer.fail()
    hub = open_hub()
    first, second = Ear(), Ear()

    await hub.join(first, {GARDEN: 0})
    layer.freeze()
    await hub.join(second, {GARDEN: 0, "user.bob": 0})
    layer.mend()

    await until(lambda: first.caught_up and second.caught_up)
    await realtime._send([news(1), Event("user.bob", json="hi")])
    await until(lambda: second.frames == ['"1"', "hi"])
    assert first.frames == ['"1"']


async def test_rights_are_checked_again_and_again(open_hub, keeper, monkeypatch):
    monkeypatch.setattr("chatflow.hub.CHECK_SECONDS", 0.01)
    monkeypatch.setattr("chatflow.hub.CHECKED_AT_ONCE", 2)
    hub = open_hub()
    ears = [Ear() for _ in range(5)]
    for ear in ears:
        await hub.join(ear, {GARDEN: 0})

    await until(lambda: all(keeper.checked.count(ear) > 1 for ear in ears))


async def test_a_check_that_fails_is_done_again(open_hub, keeper, monkeypatch, caplog):
    monkeypatch.setattr("chatflow.hub.CHECK_SECONDS", 0.01)
    failures = asyncio.Semaphore(0)

    async def check(hub, sockets) -> None:
        failures.release()
        raise ConnectionError("the database is away")

    monkeypatch.setattr(keeper, "check", check, raising=False)
    hub = open_hub()
    await hub.join(Ear(), {GARDEN: 0})

    await failures.acquire()
    await failures.acquire()

    assert "could not be checked" in caplog.text
