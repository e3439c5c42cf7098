"""How services are heard: after the commit, in order, and never at their own expense."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from chatflow import realtime
from chatflow.realtime import Event, announces, publish, publish_from_here
from chatflow.sockets import in_thread
from tests.realtime.conftest import Ear, until
from tests.realtime.layers import Breakable, Layer

GARDEN = "conversation.garden"


@announces
def said(*texts: str):
    for text in texts:
        yield Event(GARDEN, json=text)


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_told_to_nobody():
    layer = Layer()

    with transaction.atomic():
        said("never")
        transaction.set_rollback(True)

    assert layer.asked == []


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_is_told_afterwards():
    layer = Layer()

    with transaction.atomic():
        said("one", "two")
        before = list(layer.asked)

    assert before == []
    assert layer.count("send", GARDEN) == 2


@pytest.mark.django_db(transaction=True)
def test_whoever_acts_never_suffers_from_a_layer_that_is_away(caplog):
    layer = Breakable()
    layer.fail()

    with transaction.atomic():
        said("hello")

    assert "not published (ConnectionError)" in caplog.text


async def test_an_act_of_many_events_waits_for_a_frozen_layer_once(monkeypatch):
    monkeypatch.setattr(realtime, "PUBLISH_SECONDS", 0.05)
    layer = Breakable()
    layer.freeze()

    for _ in range(5):
        await in_thread(publish, Event(GARDEN, json="1"), Event(GARDEN, json="2"))

    assert layer.count("try", GARDEN) == 1


async def test_a_layer_that_is_back_is_used_again(monkeypatch):
    monkeypatch.setattr(realtime, "SILENT_SECONDS", 0)
    layer = Breakable()
    layer.fail()
    await in_thread(publish, Event(GARDEN, json="lost"))

    layer.mend()
    await in_thread(publish, Event(GARDEN, json="heard"))

    assert layer.count("send", GARDEN) == 1


async def test_any_thread_is_heard_by_the_sockets_of_the_server_s_loop(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})
    publish_from_here()

    thread = threading.Thread(target=publish, args=[Event(GARDEN, json="hello")])
    thread.start()

    await until(lambda: ear.frames == ["hello"])
    thread.join()


async def test_events_keep_their_order(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})
    publish_from_here()

    await in_thread(publish, *(Event(GARDEN, json=str(number)) for number in range(50)))

    await until(lambda: len(ear.frames) == 50)
    assert ear.frames == [str(number) for number in range(50)]


async def test_what_was_done_is_told_although_whoever_asked_for_it_has_hung_up(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})
    publish_from_here()
    has_begun, may_go_on = threading.Event(), threading.Event()

    def act() -> None:
        has_begun.set()
        may_go_on.wait(30)
        publish(Event(GARDEN, json="one"))
        publish(Event(GARDEN, json="two"))

    request = asyncio.create_task(sync_to_async(act)())
    await until(has_begun.is_set)
    request.cancel()
    may_go_on.set()

    await until(lambda: ear.frames == ["one", "two"])
