"""Presence is reported to clients that watch a user and may see it."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import Mock, patch

import pytest

from accounts import presence
from accounts.models import Block, User
from accounts.presence import Presence
from accounts.services import block, unblock, update_profile
from chatflow.live.hub import hub
from chatflow.live.sockets import in_thread
from chatflow.server import lifecycle
from conversations.services import remove_member, start_direct
from messaging.sockets.presence_broadcaster import (
    LAST_SEEN_TICKS,
    REFRESH_TICKS,
    PresenceBroadcaster,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watch():
    """Return a function: watch() runs three ticks, enough to report any change."""
    watches = []

    async def ticks():
        if not watches:
            watches.append(PresenceBroadcaster(hub()))
        for _tick in range(3):
            await watches[0].tick()

    return ticks


def known(viewer, user, *, contacts=None):
    contacts = {user.id} if contacts is None else contacts
    return presence.seen_by(viewer, [user], contacts=contacts).get(user.id)


async def test_watchers_are_told_when_a_user_comes_and_goes(connect, alice, bob, direct, watch):
    watcher = await connect(bob)
    answer = await watcher.request("watch", users=["alice"])

    phone = await connect(alice)
    await watch()
    arrived = await watcher.receive("presence")
    await phone.disconnect()
    await watch()
    left = await watcher.receive("presence")

    assert [each["online"] for each in answer["presence"]] == [False]
    assert (arrived["user"]["username"], arrived["online"]) == ("alice", True)
    assert (left["online"], left["last_seen_at"] is not None) == (False, True)


async def test_watching_just_after_a_departure_reports_it(connect, alice, bob, direct, watch):
    phone, watcher = await connect(alice), await connect(bob)
    await watch()
    await phone.disconnect()

    answer = await watcher.request("watch", users=["alice"])
    await watch()

    assert [each["online"] for each in answer["presence"]] == [True]
    assert (await watcher.receive("presence"))["online"] is False


async def test_pages_receive_presence_as_well(open_page, connect, alice, bob, direct, watch):
    page = await open_page(bob)
    await page.request("watch", users=["alice"])
    before = await page.receive("live-presence", user=str(alice.id))

    await connect(alice)
    await watch()
    after = await page.receive("live-presence", user=str(alice.id))

    assert ("online" in before, "online" in after) == (False, True)


async def test_strangers_cannot_be_watched(connect, mallory, direct):
    answer = await (await connect(mallory)).request("watch", users=["alice", "nobody"])

    assert answer["presence"] == []


@pytest.mark.parametrize("users", ["alice", [1], None, ["x"] * 501])
async def test_invalid_watch_answers_400(connect, bob, users):
    answer = await (await connect(bob)).request("watch", users=users)

    assert (answer["type"], answer["status"]) == ("error", 400)


async def test_user_stays_online_while_a_second_device_is_connected(connect, alice, watch):
    phone, _laptop = await connect(alice), await connect(alice)
    await watch()

    await phone.disconnect()
    await watch()

    assert await in_thread(presence.online_among, [str(alice.id)]) == {str(alice.id)}


def test_mark_of_another_process_is_not_deleted(alice, monkeypatch):
    presence.mark_online([str(alice.id)])
    monkeypatch.setattr(presence, "PROCESS", "another")

    presence.mark_offline([str(alice.id)])

    assert presence.online_among([str(alice.id)]) == {str(alice.id)}


# --- who may see it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "contact", "stranger"),
    [("everyone", True, True), ("contacts", True, None), ("nobody", None, None)],
)
def test_visibility_setting_decides_who_sees_presence(alice, bob, audience, contact, stranger):
    alice = update_profile(user=alice, last_seen_to=audience)
    presence.mark_online([str(alice.id)])

    seen = [known(bob, alice, contacts=contacts) for contacts in ({alice.id}, set())]

    assert [each and each.online for each in seen] == [contact, stranger]


async def test_starting_to_hide_does_not_look_like_a_departure(connect, alice, bob, direct, watch):
    await connect(alice)
    watcher = await connect(bob)
    await watcher.request("watch", users=["alice"])
    await watch()
    assert (await watcher.receive("presence"))["online"] is True

    await in_thread(lambda: update_profile(user=alice, last_seen_to=User.Visibility.NOBODY))
    await connect(alice)
    for _refresh in range(REFRESH_TICKS):
        await watch()

    hidden = await watcher.receive("presence")
    assert (hidden["online"], hidden["last_seen_at"]) == (None, None)


def test_users_who_hide_see_nobody(alice, bob):
    bob = update_profile(user=bob, last_seen_to=User.Visibility.NOBODY)

    assert known(bob, alice) is None


async def test_users_who_start_to_hide_receive_no_more_presence(connect, alice, bob, direct, watch):
    phone, watcher = await connect(alice), await connect(bob)
    await watcher.request("watch", users=["alice"])
    await watch()
    assert (await watcher.receive("presence"))["online"] is True

    await in_thread(lambda: update_profile(user=bob, last_seen_to=User.Visibility.NOBODY))
    await watcher.receive("ready")
    await watcher.receive_all()
    await phone.disconnect()
    await watch()

    assert await watcher.receive_all() == []
    assert (await watcher.request("watch", users=["alice"]))["presence"] == []


async def test_users_who_stop_hiding_see_others_again(connect, alice, bob, direct, watch):
    await in_thread(lambda: update_profile(user=bob, last_seen_to=User.Visibility.NOBODY))
    phone, watcher = await connect(alice), await connect(bob)
    await watch()

    await in_thread(lambda: update_profile(user=bob, last_seen_to=User.Visibility.CONTACTS))
    answer = await watcher.request("watch", users=["alice"])
    await phone.disconnect()
    await watch()

    assert [each["online"] for each in answer["presence"]] == [True]
    assert (await watcher.receive("presence"))["online"] is False


@pytest.mark.parametrize(("blocker", "blocked"), [("alice", "bob"), ("bob", "alice")])
def test_a_block_hides_both_from_each_other(alice, bob, blocker, blocked):
    block(user=User.objects.get(username=blocker), username=blocked)

    assert (known(bob, alice), known(alice, bob)) == (None, None)


@pytest.mark.parametrize(("blocker", "blocked"), [("alice", "bob"), ("bob", "alice")])
async def test_block_hides_presence_from_clients_that_watch(
    connect, say, alice, bob, carol, direct, watch, blocker, blocked
):
    phone, watcher = await connect(alice), await connect(bob)
    await watcher.request("watch", users=["alice"])
    await watch()
    assert (await watcher.receive("presence"))["online"] is True

    await in_thread(lambda: block(user=User.objects.get(username=blocker), username=blocked))
    hidden = await watcher.receive("presence")
    other, _is_new = await in_thread(lambda: start_direct(user=carol, username="bob"))
    await in_thread(say, carol, other)
    await watcher.receive("conversation.created")  # joining reads all memberships again
    await watcher.receive_all()
    await phone.disconnect()
    await watch()

    assert (hidden["online"], hidden["last_seen_at"]) == (None, None)
    assert await watcher.receive_all() == []


async def test_a_block_is_not_reported_to_clients_that_do_not_watch(
    connect, open_page, alice, bob, direct
):
    program, page = await connect(bob), await open_page(bob)

    for _ in range(2):
        await in_thread(lambda: block(user=alice, username="bob"))

    assert await program.receive_all() == []
    assert await page.receive_all() == []


async def test_a_block_looks_like_hiding(connect, alice, bob, carol, group, watch):
    watching = await connect(bob)
    await watching.request("watch", users=["alice", "carol"])
    phones = [await connect(alice), await connect(carol)]
    await watch()
    await watching.receive_all()

    await in_thread(lambda: block(user=alice, username="bob"))
    await in_thread(lambda: block(user=alice, username="bob"))
    await in_thread(lambda: update_profile(user=carol, last_seen_to=User.Visibility.NOBODY))
    for _refresh in range(REFRESH_TICKS):
        await watch()

    frames = await watching.receive_all()
    assert [frame["user"]["username"] for frame in frames] == ["alice", "carol"]
    blocked, hiding = ({**frame, "user": None} for frame in frames)
    assert blocked == hiding
    assert phones


async def test_after_a_block_is_lifted_they_can_watch_again(connect, alice, bob, direct, watch):
    watching = await connect(bob)
    await watching.request("watch", users=["alice"])
    await in_thread(lambda: block(user=alice, username="bob"))
    await watching.receive("presence")
    await in_thread(lambda: unblock(user=alice, username="bob"))
    await watching.request("watch", users=["alice"])
    await watching.receive_all()

    await connect(alice)
    await watch()

    assert (await watching.receive("presence"))["online"] is True


@pytest.mark.parametrize("leaver", ["bob", "alice"])
@pytest.mark.parametrize("has_page", [False, True])
async def test_presence_ends_with_the_last_common_conversation(
    connect, open_page, alice, bob, group, membership, watch, leaver, has_page
):
    watching = await (open_page if has_page else connect)(bob)
    await watching.request("watch", users=["alice", "carol"])
    phone = await connect(alice)
    await watch()
    await watching.receive_all()

    member = await in_thread(membership, alice, group)
    await in_thread(lambda: remove_member(membership=member, username=leaver))
    hidden = await watching.receive("presence", "live-presence")
    await watching.receive_all()
    await phone.disconnect()
    await watch()

    assert hidden.get("online") is None
    assert [frame for frame in await watching.receive_all() if "presence" in frame["type"]] == []


async def test_recheck_finds_a_lost_block(connect, alice, bob, direct, watch):
    watching = await connect(bob)
    await watching.request("watch", users=["alice"])
    phone = await connect(alice)
    await watch()
    await watching.receive_all()

    await in_thread(lambda: Block.objects.create(blocker=alice, blocked=bob))
    await hub().recheck()
    hidden = await watching.receive("presence")
    await watching.receive_all()
    await phone.disconnect()
    await watch()

    assert hidden["online"] is None
    assert await watching.receive_all() == []


# --- when users were last seen -------------------------------------------------------------------


async def last_seen(user):
    await user.arefresh_from_db()
    return user.last_seen_at


async def test_last_seen_is_written_on_departure_and_rarely_while_online(connect, alice, watch):
    phone = await connect(alice)
    await watch()
    on_arrival = await last_seen(alice)
    for _ in range(LAST_SEEN_TICKS):
        await watch()
    assert await last_seen(alice) == on_arrival
    minutes_ago = on_arrival - presence.LAST_SEEN_INTERVAL
    await User.objects.filter(id=alice.id).aupdate(last_seen_at=minutes_ago)

    for _ in range(LAST_SEEN_TICKS):
        await watch()
    while_online = await last_seen(alice)
    await phone.disconnect()
    await watch()

    assert on_arrival < while_online < await last_seen(alice)


async def test_last_seen_is_written_for_everyone_before_the_server_stops(connect, alice):
    await connect(alice)

    await lifecycle.say_farewell()

    assert await last_seen(alice)


# --- without the cache ---------------------------------------------------------------------------


@contextmanager
def the_cache_away():
    cache = Mock()
    for call in ("get_many", "set_many", "delete_many"):
        getattr(cache, call).side_effect = ConnectionError
    with patch.object(presence, "cache", cache):  # Django's differs between threads
        yield


def test_presence_is_unknown_without_the_cache(alice, bob):
    presence.note_last_seen([str(alice.id)])
    alice.refresh_from_db()

    with the_cache_away():
        presence.mark_online([str(alice.id)])
        presence.mark_offline([str(alice.id)])

        assert known(bob, alice) == Presence(online=None, last_seen_at=None)


async def test_watchers_are_told_that_presence_is_unknown_and_when_it_is_known_again(
    connect, open_page, alice, bob, direct, watch
):
    await connect(alice)
    watcher, page = await connect(bob), await open_page(bob)
    for view in (watcher, page):
        await view.request("watch", users=["alice"])
    answered = await page.receive("live-presence", user=str(alice.id))
    await watch()
    assert (await watcher.receive("presence"))["online"] is True
    assert "online" in await page.receive("live-presence", user=str(alice.id))

    with the_cache_away():
        await watch()
        unknown = await watcher.receive("presence")
        shown = await page.receive("live-presence", user=str(alice.id))
        answer = await watcher.request("watch", users=["alice"])
    await watch()
    known_again = await watcher.receive("presence")

    assert (unknown["online"], unknown["last_seen_at"]) == (None, None)
    assert "online" not in answered
    assert ("online" in shown, shown["last-seen"]) == (False, "")
    assert [each["online"] for each in answer["presence"]] == [None]
    assert known_again["online"] is True
