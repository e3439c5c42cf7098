"""Subscriptions, delivery in each encoding, and control messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from chatflow.live import encoding as encodings
from chatflow.live import publishing
from chatflow.live.encoding import Encoding
from chatflow.live.events import (
    CatchUp,
    Close,
    Event,
    HidePresence,
    Join,
    Refresh,
    Unsubscribe,
    from_message,
    presence_topic,
    to_message,
)
from tests.live.conftest import FakeSocket, until
from tests.live.layers import Layer, SlowToAdd

GARDEN = "conversation.garden"
ALICE = "user.alice"


def make_event(version: int = 0, text: str = "", **fields: object) -> Event:
    text = text or str(version)
    return Event(GARDEN, json=json.dumps(text), html=f"<p>{text}</p>", version=version, **fields)


async def test_one_event_reaches_every_socket_of_the_topic(hub):
    sockets = [FakeSocket() for _ in range(3)]
    elsewhere = FakeSocket()
    for socket in sockets:
        await hub.subscribe(socket, {GARDEN: 0})
    await hub.subscribe(elsewhere, {ALICE: 0})

    await publishing.apublish(make_event(1))

    await until(lambda: all(socket.frames for socket in sockets))
    assert [socket.frames for socket in sockets] == [['"1"']] * 3
    assert elsewhere.frames == []


async def test_concurrent_subscribers_share_one_subscription_to_the_layer(open_hub):
    layer = Layer()
    hub = open_hub()
    sockets = [FakeSocket() for _ in range(50)]

    await asyncio.gather(*(hub.subscribe(socket, {GARDEN: 0, ALICE: 0}) for socket in sockets))
    await publishing.apublish(make_event(1))

    await until(lambda: all(socket.frames for socket in sockets))
    assert layer.count("add", GARDEN) == layer.count("add", ALICE) == 1


async def test_subscribers_miss_nothing_that_is_published_afterwards(open_hub):
    layer = SlowToAdd()
    layer.before_next("conversation.", lambda: asyncio.sleep(0.05))
    hub = open_hub()
    first, second = FakeSocket(), FakeSocket()

    await asyncio.gather(hub.subscribe(first, {GARDEN: 0}), hub.subscribe(second, {GARDEN: 0}))
    await publishing.apublish(make_event(1))

    await until(lambda: first.frames and second.frames)
    assert layer.count("add", GARDEN) == 1


async def test_unsubscribed_sockets_receive_nothing_and_the_last_one_leaves_the_group(open_hub):
    layer = Layer()
    hub = open_hub()
    one, other = FakeSocket(), FakeSocket()
    await hub.subscribe(one, {GARDEN: 0})
    await hub.subscribe(other, {GARDEN: 0})

    hub.unsubscribe(one)
    hub.deliver(make_event(1))
    hub.unsubscribe(other, GARDEN)

    assert (one.frames, other.frames) == ([], ['"1"'])
    await until(lambda: GARDEN not in layer.groups)
    assert hub.sockets == []


async def test_unsubscribing_and_subscribing_concurrently_keeps_the_subscription(open_hub):
    layer = Layer()
    hub = open_hub()
    one, other = FakeSocket(), FakeSocket()
    await hub.subscribe(one, {GARDEN: 0})

    for _ in range(20):
        hub.unsubscribe(one)
        await asyncio.gather(hub.subscribe(other, {GARDEN: 0}), asyncio.sleep(0.01))
        one, other = other, one
    await publishing.apublish(make_event(1))

    await until(lambda: one.frames)
    assert GARDEN in layer.groups


async def test_a_cancelled_subscription_does_not_disturb_others_of_the_topic(open_hub):
    is_added = asyncio.Event()

    async def wait() -> None:
        is_added.set()
        await asyncio.sleep(60)

    SlowToAdd().before_next("conversation.", wait)
    hub = open_hub()
    cancelled, waiting = FakeSocket(), FakeSocket()
    leaving = asyncio.create_task(hub.subscribe(cancelled, {GARDEN: 0}))
    await is_added.wait()
    staying = asyncio.create_task(hub.subscribe(waiting, {GARDEN: 0}))

    leaving.cancel()
    await staying
    await publishing.apublish(make_event(1))

    await until(lambda: waiting.frames)


async def test_new_subscribers_receive_no_earlier_events(hub):
    old = {encoding: FakeSocket(encoding=encoding) for encoding in Encoding}
    new = {encoding: FakeSocket(encoding=encoding) for encoding in Encoding}
    for socket in old.values():
        await hub.subscribe(socket, {GARDEN: 6})

    hub.deliver(make_event(7))
    for socket in new.values():
        await hub.subscribe(socket, {GARDEN: 8})
    hub.deliver(make_event(8))
    hub.deliver(make_event(9))

    await until(lambda: new[Encoding.HTML].frames)
    assert new[Encoding.JSON].frames == ['"9"']
    assert new[Encoding.JSON_BATCH].frames == ['["9"]']
    assert new[Encoding.HTML].frames == ["<p>9</p>"]
    assert old[Encoding.JSON].frames == ['"7"', '"8"', '"9"']
    assert "".join(old[Encoding.HTML].frames) == "<p>7</p><p>8</p><p>9</p>"


async def test_simultaneous_events_share_a_frame_where_the_encoding_allows_it(hub):
    sockets = {encoding: FakeSocket(encoding=encoding) for encoding in Encoding}
    for socket in sockets.values():
        await hub.subscribe(socket, {GARDEN: 0})

    hub.deliver(make_event(1))
    hub.deliver(make_event(2))

    assert sockets[Encoding.JSON].frames == ['"1"', '"2"']
    await until(lambda: sockets[Encoding.HTML].frames and sockets[Encoding.JSON_BATCH].frames)
    assert sockets[Encoding.JSON_BATCH].frames == ['["1","2"]']
    assert sockets[Encoding.HTML].frames == ["<p>1</p><p>2</p>"]


async def test_large_events_are_split_into_several_frames(hub, monkeypatch):
    monkeypatch.setattr(encodings, "FRAME_CHARACTERS", 20)
    batch, page = FakeSocket(encoding=Encoding.JSON_BATCH), FakeSocket(encoding=Encoding.HTML)
    for socket in (batch, page):
        await hub.subscribe(socket, {GARDEN: 0})

    for version in range(1, 4):
        hub.deliver(make_event(version))
    hub.deliver(
        Event(GARDEN, json=json.dumps("4" * 30), html="<p>4444444444444444444</p>", version=4)
    )

    await until(lambda: len(batch.frames) + len(page.frames) >= 5)
    assert batch.frames == ['["1","2","3"]', f'["{"4" * 30}"]']
    assert page.frames == ["<p>1</p><p>2</p>", "<p>3</p>", "<p>4444444444444444444</p>"]


async def test_only_sockets_that_watch_a_user_are_told_to_hide_them(hub):
    watching, other = FakeSocket(), FakeSocket()
    await hub.subscribe(watching, {ALICE: 0, presence_topic("bob"): 0})
    await hub.subscribe(other, {ALICE: 0})

    for _ in range(2):
        hub.deliver(Event(ALICE, json='"bob is hidden"', control=HidePresence("bob")))
    hub.deliver(Event(presence_topic("bob"), json='"bob is here"'))

    assert watching.frames == ['"bob is hidden"']
    assert other.frames == []


async def test_a_departure_makes_those_who_watch_the_leaver_recheck(hub):
    leaver, watching, other = FakeSocket(user_id="bob"), FakeSocket(), FakeSocket()
    for socket in (leaver, watching, other):
        await hub.subscribe(socket, {GARDEN: 0})
    await hub.subscribe(watching, {presence_topic("bob"): 0})

    hub.deliver(replace(make_event(1), control=Unsubscribe(["bob"])))

    assert (leaver.rechecks, watching.rechecks, other.rechecks) == (1, 1, 0)


async def test_unsubscribing_during_delivery_does_not_affect_other_sockets(hub):
    class Quitter(FakeSocket):
        def enqueue(self, frame: str) -> None:
            hub.unsubscribe(self)

    sockets = [Quitter() if number % 2 else FakeSocket() for number in range(10)]
    for socket in sockets:
        await hub.subscribe(socket, {GARDEN: 0})

    hub.deliver(make_event(1))
    hub.deliver(make_event(2))

    assert all(socket.frames == ['"1"', '"2"'] for socket in sockets[::2])


# Control messages


async def test_sockets_catch_up(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {ALICE: 0})

    hub.deliver(Event(ALICE, control=CatchUp()))

    await until(lambda: socket.catch_ups == 1)


async def test_a_user_s_sockets_join_a_conversation(hub):
    phone, laptop = FakeSocket(), FakeSocket()
    await hub.subscribe(phone, {ALICE: 0})
    await hub.subscribe(laptop, {ALICE: 0})

    hub.deliver(Event(ALICE, control=Join("garden")))

    assert phone.joined == laptop.joined == ["garden"]


@pytest.mark.parametrize(
    ("scope", "close_codes"),
    [
        ({}, [[4401], [4401]]),
        ({"login_id": "phone"}, [[4401], []]),
        ({"except_login_id": "phone"}, [[], [4401]]),
    ],
)
async def test_logins_are_closed(hub, scope, close_codes):
    phone, laptop = FakeSocket(login_id="phone"), FakeSocket(login_id="laptop")
    await hub.subscribe(phone, {ALICE: 0})
    await hub.subscribe(laptop, {ALICE: 0})

    hub.deliver(Event(ALICE, control=Close(4401, **scope)))

    assert [phone.close_codes, laptop.close_codes] == close_codes


async def test_several_changes_of_a_conversation_cause_one_refresh(hub, backend):
    await hub.subscribe(FakeSocket(), {GARDEN: 0})
    await hub.subscribe(FakeSocket(), {"conversation.shed": 0})

    for version in (1, 2, 3):
        hub.deliver(make_event(version, control=Refresh()))
    await until(lambda: backend.refreshed)
    hub.deliver(Event("conversation.shed", control=Refresh()))

    await until(lambda: "shed" in backend.refreshed)
    assert backend.refreshed == ["garden", "shed"]


async def test_a_refresh_is_repeated_until_the_database_answers(hub, backend, monkeypatch, caplog):
    monkeypatch.setattr("chatflow.live.topics.RETRY_SECONDS", 0.01)
    calls = []

    async def refresh(conversation_id: str, sockets: Sequence[FakeSocket]) -> None:
        calls.append(sockets)
        if len(calls) < 3:
            raise ConnectionError("the database is away")
        backend.refreshed.append(conversation_id)

    monkeypatch.setattr(backend, "refresh", refresh, raising=False)
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    hub.deliver(make_event(1, control=Refresh()))

    await until(lambda: backend.refreshed)
    assert (backend.refreshed, calls) == (["garden"], [[socket]] * 3)
    assert "is not refreshed yet (ConnectionError)" in caplog.text


@pytest.mark.parametrize("encoding", Encoding)
async def test_removed_member_receives_earlier_events_and_no_later_ones(hub, encoding):
    bob, carol = FakeSocket("bob", encoding=encoding), FakeSocket("carol", encoding=encoding)
    await hub.subscribe(bob, {GARDEN: 0})
    await hub.subscribe(carol, {GARDEN: 0})

    hub.deliver(make_event(1, "before"))
    hub.deliver(make_event(2, "removed", control=Unsubscribe(["bob"])))
    hub.deliver(make_event(3, "after"))
    hub.deliver(make_event(0, "typing"))

    await until(lambda: "typing" in "".join(carol.frames))
    assert "before" in "".join(bob.frames)
    assert len("".join(bob.frames)) < len("".join(carol.frames))
    assert not any(text in "".join(bob.frames) for text in ("removed", "after", "typing"))


async def test_a_removal_that_arrives_early_is_applied_immediately(hub):
    bob = FakeSocket("bob")
    await hub.subscribe(bob, {GARDEN: 0})

    hub.deliver(make_event(2, "removed", control=Unsubscribe(["bob"])))
    hub.deliver(make_event(0, "typing"))
    hub.deliver(make_event(1, "before"))

    assert bob.frames == []


async def test_a_removal_that_arrives_after_its_gap_was_skipped_is_applied(hub):
    bob = FakeSocket("bob")
    await hub.subscribe(bob, {GARDEN: 0})
    hub.deliver(make_event(2))
    await until(lambda: bob.frames)

    hub.deliver(make_event(1, "removed", control=Unsubscribe(["bob"])))
    hub.deliver(make_event(3))

    assert bob.frames == ['"2"']


async def test_a_repeated_removal_does_not_affect_a_member_who_came_back(hub):
    bob, carol = FakeSocket("bob"), FakeSocket("carol")
    await hub.subscribe(bob, {GARDEN: 0})
    await hub.subscribe(carol, {GARDEN: 0})
    removal = make_event(1, "removed", control=Unsubscribe(["bob"]))
    hub.deliver(removal)

    await hub.subscribe(bob, {GARDEN: 2})
    hub.deliver(removal)
    hub.deliver(make_event(2, "added"))
    hub.deliver(make_event(3, "hello bob"))

    assert bob.frames == ['"hello bob"']
    assert carol.frames == ['"removed"', '"added"', '"hello bob"']


# Where a member's view of the conversation begins


def message_event(version: int, seq: int, quotes: int = 0) -> Event:
    return make_event(
        version, seq=seq, quotes=quotes, json_unquoted='"unquoted"', html_unquoted="<p>unquoted</p>"
    )


@pytest.mark.parametrize("encoding", Encoding)
async def test_later_members_receive_only_the_version_of_older_messages(hub, encoding):
    founder, newcomer = FakeSocket(encoding=encoding), FakeSocket(encoding=encoding)
    await hub.subscribe(founder, {GARDEN: 9})
    await hub.subscribe(newcomer, {GARDEN: 9}, since_seqs={GARDEN: 5})

    hub.deliver(message_event(10, seq=5))
    hub.deliver(message_event(11, seq=6, quotes=5))
    hub.deliver(message_event(12, seq=7, quotes=6))

    await until(lambda: "12" in "".join(founder.frames) and "12" in "".join(newcomer.frames))
    all_frames, newcomer_frames = "".join(founder.frames), "".join(newcomer.frames)
    assert "unquoted" not in all_frames
    assert "version" not in all_frames
    assert (
        newcomer_frames.index("10")
        < newcomer_frames.index("unquoted")
        < newcomer_frames.index("12")
    )
    assert "11" not in newcomer_frames


async def test_the_version_of_a_hidden_message_is_one_frame(hub):
    newcomers = {encoding: FakeSocket(encoding=encoding) for encoding in Encoding}
    for socket in newcomers.values():
        await hub.subscribe(socket, {GARDEN: 9}, since_seqs={GARDEN: 5})

    hub.deliver(message_event(10, seq=5))

    payload = {"type": "version", "conversation": "garden", "version": 10}
    assert json.loads(newcomers[Encoding.JSON].frames[0]) == payload
    assert json.loads(newcomers[Encoding.JSON_BATCH].frames[0]) == [payload]
    assert newcomers[Encoding.HTML].frames == [
        '<live-version data-conversation="garden" data-version="10"></live-version>'
    ]


async def test_a_returning_member_sees_less_than_before(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 9}, since_seqs={GARDEN: 2})
    assert hub.since_seqs(socket) == {GARDEN: 2}

    hub.unsubscribe(socket)
    await hub.subscribe(socket, {GARDEN: 11}, since_seqs={GARDEN: 5})
    hub.deliver(message_event(12, seq=5))

    assert hub.since_seqs(socket) == {GARDEN: 5}
    assert json.loads(socket.frames[0])["type"] == "version"


# Messages of the channel layer


@pytest.mark.parametrize(
    "control",
    [
        None,
        Join("garden"),
        Unsubscribe(["bob"]),
        Refresh(),
        HidePresence("bob"),
        CatchUp(),
        Close(4401, except_login_id="phone"),
    ],
)
def test_an_event_survives_the_channel_layer(control):
    event = message_event(3, seq=2, quotes=1)

    assert from_message(to_message(replace(event, control=control))).control == control
    assert from_message(to_message(event)) == event


def test_unknown_control_messages_are_ignored():
    message = to_message(make_event(1)) | {"control": {"kind": "Dance", "steps": 3}}

    assert from_message(message) == make_event(1)


async def test_unknown_fields_are_ignored(hub):
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    await publishing.channel_layer().group_send(
        GARDEN, to_message(make_event(1)) | {"colour": "blue"}
    )

    await until(lambda: socket.frames)


async def test_a_failing_delivery_does_not_stop_other_events(hub, caplog):
    class Broken(FakeSocket):
        def enqueue(self, frame: str) -> None:
            raise ZeroDivisionError

    broken, socket = Broken(), FakeSocket()
    await hub.subscribe(broken, {ALICE: 0})
    await hub.subscribe(socket, {GARDEN: 0})

    await publishing.apublish(Event(ALICE, json="1"), make_event(1))

    await until(lambda: socket.frames)
    assert "could not be delivered" in caplog.text


async def test_delayed_events_are_delivered_and_end_no_subscription(open_hub):
    """Channels' own layer would drop both after a laptop was suspended for a day."""
    layer = Layer()
    layer.expiry = -1
    hub = open_hub()
    socket = FakeSocket()
    await hub.subscribe(socket, {GARDEN: 0})

    await publishing.apublish(make_event(1), make_event(2))
    await publishing.apublish(make_event(3))

    await until(lambda: len(socket.frames) == 3)
