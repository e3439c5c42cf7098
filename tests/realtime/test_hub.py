"""Who hears what: joining, leaving, orders, and the frames of each face."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from chatflow import realtime
from chatflow.realtime import Event, Face, message_of
from tests.realtime.conftest import Ear, until
from tests.realtime.layers import Layer, SlowToAdd

GARDEN = "conversation.garden"
ALICE = "user.alice"


def news(version: int = 0, text: str = "", **orders: object) -> Event:
    text = text or str(version)
    return Event(GARDEN, json=json.dumps(text), html=f"<p>{text}</p>", version=version, **orders)


async def test_one_event_reaches_every_socket_of_the_topic(hub):
    ears = [Ear() for _ in range(3)]
    elsewhere = Ear()
    for ear in ears:
        await hub.join(ear, {GARDEN: 0})
    await hub.join(elsewhere, {ALICE: 0})

    await realtime._send([news(1)])

    await until(lambda: all(ear.frames for ear in ears))
    assert [ear.frames for ear in ears] == [['"1"']] * 3
    assert elsewhere.frames == []


async def test_many_joining_at_once_are_one_subscription(open_hub):
    layer = Layer()
    hub = open_hub()
    ears = [Ear() for _ in range(50)]

    await asyncio.gather(*(hub.join(ear, {GARDEN: 0, ALICE: 0}) for ear in ears))
    await realtime._send([news(1)])

    await until(lambda: all(ear.frames for ear in ears))
    assert layer.count("add", GARDEN) == layer.count("add", ALICE) == 1


async def test_nothing_that_is_published_after_joining_is_missed(open_hub):
    layer = SlowToAdd()
    layer.before_next("conversation.", lambda: asyncio.sleep(0.05))
    hub = open_hub()
    first, second = Ear(), Ear()

    await asyncio.gather(hub.join(first, {GARDEN: 0}), hub.join(second, {GARDEN: 0}))
    await realtime._send([news(1)])

    await until(lambda: first.frames and second.frames)
    assert layer.count("add", GARDEN) == 1


async def test_whoever_leaves_hears_no_more_and_the_last_one_ends_the_subscription(open_hub):
    layer = Layer()
    hub = open_hub()
    one, other = Ear(), Ear()
    await hub.join(one, {GARDEN: 0})
    await hub.join(other, {GARDEN: 0})

    hub.leave(one)
    hub.deliver(news(1))
    hub.leave(other, GARDEN)

    assert (one.frames, other.frames) == ([], ['"1"'])
    await until(lambda: GARDEN not in layer.groups)
    assert hub.sockets == []


async def test_a_topic_that_is_left_and_joined_at_the_same_time_is_heard(open_hub):
    layer = Layer()
    hub = open_hub()
    leaver, comer = Ear(), Ear()
    await hub.join(leaver, {GARDEN: 0})

    for _ in range(20):
        hub.leave(leaver)
        await asyncio.gather(hub.join(comer, {GARDEN: 0}), asyncio.sleep(0.01))
        leaver, comer = comer, leaver
    await realtime._send([news(1)])

    await until(lambda: leaver.frames)
    assert GARDEN in layer.groups


async def test_a_join_that_is_cancelled_leaves_no_topic_deaf(open_hub):
    is_added = asyncio.Event()

    async def wait() -> None:
        is_added.set()
        await asyncio.sleep(60)

    SlowToAdd().before_next("conversation.", wait)
    hub = open_hub()
    gone, patient = Ear(), Ear()
    leaving = asyncio.create_task(hub.join(gone, {GARDEN: 0}))
    await is_added.wait()
    staying = asyncio.create_task(hub.join(patient, {GARDEN: 0}))

    leaving.cancel()
    await staying
    await realtime._send([news(1)])

    await until(lambda: patient.frames)


async def test_newcomers_do_not_hear_what_was_said_before(hub):
    old = {face: Ear(face=face) for face in Face}
    new = {face: Ear(face=face) for face in Face}
    for ear in old.values():
        await hub.join(ear, {GARDEN: 6})

    hub.deliver(news(7))
    for ear in new.values():
        await hub.join(ear, {GARDEN: 8})
    hub.deliver(news(8))
    hub.deliver(news(9))

    await until(lambda: new[Face.HTML].frames)
    assert new[Face.JSON].frames == ['"9"']
    assert new[Face.JSON_BATCH].frames == ['["9"]']
    assert new[Face.HTML].frames == ["<p>9</p>"]
    assert old[Face.JSON].frames == ['"7"', '"8"', '"9"']
    assert "".join(old[Face.HTML].frames) == "<p>7</p><p>8</p><p>9</p>"


async def test_events_that_come_together_share_a_frame_where_the_face_allows_it(hub):
    ears = {face: Ear(face=face) for face in Face}
    for ear in ears.values():
        await hub.join(ear, {GARDEN: 0})

    hub.deliver(news(1))
    hub.deliver(news(2))

    assert ears[Face.JSON].frames == ['"1"', '"2"']
    await until(lambda: ears[Face.HTML].frames and ears[Face.JSON_BATCH].frames)
    assert ears[Face.JSON_BATCH].frames == ['["1","2"]']
    assert ears[Face.HTML].frames == ["<p>1</p><p>2</p>"]


async def test_a_socket_that_leaves_in_the_middle_of_an_event_disturbs_nobody(hub):
    class Quitter(Ear):
        def offer(self, frame: str) -> None:
            hub.leave(self)

    ears = [Quitter() if number % 2 else Ear() for number in range(10)]
    for ear in ears:
        await hub.join(ear, {GARDEN: 0})

    hub.deliver(news(1))
    hub.deliver(news(2))

    assert all(ear.frames == ['"1"', '"2"'] for ear in ears[::2])


# Orders


async def test_people_are_told_to_join(hub):
    phone, laptop = Ear(), Ear()
    await hub.join(phone, {ALICE: 0})
    await hub.join(laptop, {ALICE: 0})

    hub.deliver(Event(ALICE, joins="garden"))

    assert phone.joined == laptop.joined == ["garden"]


@pytest.mark.parametrize(
    ("order", "ended"),
    [
        ({}, [[4401], [4401]]),
        ({"login": "phone"}, [[4401], []]),
        ({"spares": "phone"}, [[], [4401]]),
    ],
)
async def test_logins_end(hub, order, ended):
    phone, laptop = Ear(login_id="phone"), Ear(login_id="laptop")
    await hub.join(phone, {ALICE: 0})
    await hub.join(laptop, {ALICE: 0})

    hub.deliver(Event(ALICE, ends=4401, **order))

    assert [phone.ended, laptop.ended] == ended


async def test_several_changes_of_a_conversation_are_shown_once(hub, keeper):
    await hub.join(Ear(), {GARDEN: 0})
    await hub.join(Ear(), {"conversation.shed": 0})

    for version in (1, 2, 3):
        hub.deliver(news(version, refreshes=True))
    await until(lambda: keeper.refreshed)
    hub.deliver(Event("conversation.shed", refreshes=True))

    await until(lambda: "shed" in keeper.refreshed)
    assert keeper.refreshed == ["garden", "shed"]


async def test_a_change_is_shown_again_until_the_database_answers(hub, keeper, monkeypatch, caplog):
    monkeypatch.setattr("chatflow.topics.RETRY_SECONDS", 0.01)
    asked = []

    async def refresh(conversation_id: str, sockets: Sequence[Ear]) -> None:
        asked.append(sockets)
        if len(asked) < 3:
            raise ConnectionError("the database is away")
        keeper.refreshed.append(conversation_id)

    monkeypatch.setattr(keeper, "refresh", refresh, raising=False)
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    hub.deliver(news(1, refreshes=True))

    await until(lambda: keeper.refreshed)
    assert (keeper.refreshed, asked) == (["garden"], [[ear]] * 3)
    assert "is not shown anew yet (ConnectionError)" in caplog.text


@pytest.mark.parametrize("face", Face)
async def test_whoever_is_removed_hears_what_was_before_and_nothing_after(hub, face):
    bob, carol = Ear("bob", face=face), Ear("carol", face=face)
    await hub.join(bob, {GARDEN: 0})
    await hub.join(carol, {GARDEN: 0})

    hub.deliver(news(1, "before"))
    hub.deliver(news(2, "removed", leaves=["bob"]))
    hub.deliver(news(3, "after"))
    hub.deliver(news(0, "typing"))

    await until(lambda: "typing" in "".join(carol.frames))
    assert "before" in "".join(bob.frames)
    assert len("".join(bob.frames)) < len("".join(carol.frames))
    assert not any(word in "".join(bob.frames) for word in ("removed", "after", "typing"))


async def test_a_removal_that_comes_early_is_obeyed_at_once(hub):
    bob = Ear("bob")
    await hub.join(bob, {GARDEN: 0})

    hub.deliver(news(2, "removed", leaves=["bob"]))
    hub.deliver(news(0, "typing"))
    hub.deliver(news(1, "before"))

    assert bob.frames == []


async def test_a_removal_that_comes_after_its_hole_is_obeyed(hub):
    bob = Ear("bob")
    await hub.join(bob, {GARDEN: 0})
    hub.deliver(news(2))
    await until(lambda: bob.frames)

    hub.deliver(news(1, "removed", leaves=["bob"]))
    hub.deliver(news(3))

    assert bob.frames == ['"2"']


async def test_a_removal_that_is_heard_again_does_not_concern_whoever_came_back(hub):
    bob, carol = Ear("bob"), Ear("carol")
    await hub.join(bob, {GARDEN: 0})
    await hub.join(carol, {GARDEN: 0})
    removal = news(1, "removed", leaves=["bob"])
    hub.deliver(removal)

    await hub.join(bob, {GARDEN: 2})
    hub.deliver(removal)
    hub.deliver(news(2, "added"))
    hub.deliver(news(3, "hello bob"))

    assert bob.frames == ['"hello bob"']
    assert carol.frames == ['"removed"', '"added"', '"hello bob"']


# Whatever may come through the layer


async def test_what_a_newer_process_says_in_addition_is_ignored(hub):
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    await realtime.channel_layer().group_send(GARDEN, message_of(news(1)) | {"colour": "blue"})

    await until(lambda: ear.frames)


async def test_an_event_that_cannot_be_delivered_does_not_stop_the_others(hub, caplog):
    class Broken(Ear):
        def offer(self, frame: str) -> None:
            raise ZeroDivisionError

    broken, ear = Broken(), Ear()
    await hub.join(broken, {ALICE: 0})
    await hub.join(ear, {GARDEN: 0})

    await realtime._send([Event(ALICE, json="1"), news(1)])

    await until(lambda: ear.frames)
    assert "could not be delivered" in caplog.text


async def test_an_event_that_waited_long_is_heard_and_forgets_nobody(open_hub):
    """A laptop that slept wakes up with yesterday's event in its hand."""
    layer = Layer()
    layer.expiry = -1
    hub = open_hub()
    ear = Ear()
    await hub.join(ear, {GARDEN: 0})

    await realtime._send([news(1), news(2)])
    await realtime._send([news(3)])

    await until(lambda: len(ear.frames) == 3)
