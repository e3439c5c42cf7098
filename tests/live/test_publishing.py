"""Events are published after the commit, in order, and never make a request fail."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from chatflow.live import publishing
from chatflow.live.events import Event
from chatflow.live.publishing import (
    bind_event_loop,
    publish,
    publish_after_commit,
    publishing_together,
)
from chatflow.live.sockets import in_thread
from tests.live.conftest import FakeSocket, until
from tests.live.layers import Breakable, Layer

GARDEN = "conversation.garden"


@publish_after_commit
def said(*texts: str):
    for text in texts:
        yield Event(GARDEN, json=text)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_published_after_a_rollback():
    layer = Layer()

    with transaction.atomic():
        said("never")
        transaction.set_rollback(True)

    assert layer.calls == []


@pytest.mark.django_db(transaction=True)
def test_events_are_published_after_the_commit():
    layer = Layer()

    with transaction.atomic():
        said("one", "two")
        before = list(layer.calls)

    assert before == []
    assert layer.count("send", GARDEN) == 2


@pytest.mark.django_db(transaction=True)
def test_events_of_several_transactions_are_published_together_at_the_end():
    layer = Layer()

    with publishing_together():
        for text in ("one", "two"):
            with transaction.atomic():
                said(text)
        before = list(layer.calls)

    assert before == []
    assert layer.count("send", GARDEN) == 2


@pytest.mark.django_db(transaction=True)
def test_committed_events_are_published_although_a_later_transaction_fails():
    layer = Layer()

    with suppress(ZeroDivisionError), publishing_together():
        with transaction.atomic():
            said("one")
        with transaction.atomic():
            said("never")
            raise ZeroDivisionError

    assert layer.count("send", GARDEN) == 1


@pytest.mark.django_db(transaction=True)
def test_a_failing_layer_does_not_make_the_request_fail(caplog):
    layer = Breakable()
    layer.fail()

    with transaction.atomic():
        said("hello")

    assert "not published (ConnectionError)" in caplog.text


async def test_many_events_wait_for_a_frozen_layer_only_once(monkeypatch):
    monkeypatch.setattr(publishing, "PUBLISH_SECONDS", 0.05)
    layer = Breakable()
    layer.freeze()

    for _ in range(5):
        await in_thread(publish, Event(GARDEN, json="1"), Event(GARDEN, json="2"))

    assert layer.count("try", GARDEN) == 1


async def test_a_layer_that_works_again_is_used(monkeypatch):
    monkeypatch.setattr(publishing, "CIRCUIT_BREAKER_SECONDS", 0)
    layer = Breakable()
    layer.fail()
    await in_thread(publish, Event(GARDEN, json="lost"))

    layer.mend()
    await in_thread(publish, Event(GARDEN, json="heard"))

    assert layer.count("send", GARDEN) == 1


async def test_any_thread_can_publish_on_the_loop_of_the_server(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})
    bind_event_loop()

    thread = threading.Thread(target=publish, args=[Event(GARDEN, json="hello")])
    thread.start()

    await until(lambda: socket.frames == ["hello"])
    thread.join()


async def test_events_are_delivered_in_the_order_of_publication(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})
    bind_event_loop()

    await in_thread(publish, *(Event(GARDEN, json=str(number)) for number in range(50)))

    await until(lambda: len(socket.frames) == 50)
    assert socket.frames == [str(number) for number in range(50)]


async def test_events_are_published_although_the_client_has_hung_up(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})
    bind_event_loop()
    has_started, may_go_on = threading.Event(), threading.Event()

    def act() -> None:
        has_started.set()
        may_go_on.wait(30)
        publish(Event(GARDEN, json="one"))
        publish(Event(GARDEN, json="two"))

    request = asyncio.create_task(sync_to_async(act)())
    await until(has_started.is_set)
    request.cancel()
    may_go_on.set()

    await until(lambda: socket.frames == ["one", "two"])
