"""Presence: who is here is told to those who look, and may."""

from __future__ import annotations

from contextlib import contextmanager
from unittest.mock import Mock, patch

import pytest

from accounts import presence
from accounts.models import User
from accounts.presence import Presence
from accounts.services import block, update_privacy
from chatflow.hub import hub
from chatflow.sockets import in_thread
from conversations.services import start_direct
from messaging.watching import REFRESH_TICKS, Watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watch():
    """await watch() lets as much time pass as presence needs to be noticed."""
    watches = []

    async def ticks():
        if not watches:
            watches.append(Watch(hub()))
        for _tick in range(3):
            await watches[0]._tick()

    return ticks


def known(viewer, user, *, contacts=None):
    contacts = {user.id} if contacts is None else contacts
    return presence.seen_by(viewer, [user], contacts=contacts).get(user.id)


async def test_bob_is_told_that_alice_comes_and_goes(connect, alice, bob, direct, watch):
    looker = await connect(bob)
    answer = await looker.ask("watch", users=["alice"])

    phone = await connect(alice)
    await watch()
    arrived = await looker.hear("presence")
    await phone.leave()
    await watch()
    left = await looker.hear("presence")

    assert [each["online"] for each in answer["presence"]] == [False]
    assert (arrived["user"]["username"], arrived["online"]) == ("alice", True)
    assert (left["online"], left["last_seen_at"] is not None) == (False, True)


async def test_bob_who_looks_just_after_she_went_is_told_so(connect, alice, bob, direct, watch):
    phone, looker = await connect(alice), await connect(bob)
    await watch()
    await phone.leave()

    answer = await looker.ask("watch", users=["alice"])
    await watch()

    assert [each["online"] for each in answer["presence"]] == [True]
    assert (await looker.hear("presence"))["online"] is False


async def test_her_page_is_told_as_well(open_page, connect, alice, bob, direct, watch):
    page = await open_page(bob)
    await page.ask("watch", users=["alice"])
    before = await page.hear("live-presence", user=str(alice.id))

    await connect(alice)
    await watch()
    after = await page.hear("live-presence", user=str(alice.id))

    assert ("online" in before, "online" in after) == (False, True)


async def test_mallory_may_watch_nobody_she_does_not_talk_to(connect, mallory, direct):
    answer = await (await connect(mallory)).ask("watch", users=["alice", "nobody"])

    assert answer["presence"] == []


@pytest.mark.parametrize("users", ["alice", [1], None, ["x"] * 501])
async def test_watching_nonsense_is_an_error_and_no_end(connect, bob, users):
    answer = await (await connect(bob)).ask("watch", users=users)

    assert (answer["type"], answer["status"]) == ("error", 400)


async def test_two_devices_and_one_closes(connect, alice, watch):
    phone, _laptop = await connect(alice), await connect(alice)
    await watch()

    await phone.leave()
    await watch()

    assert await in_thread(presence.marked, [str(alice.id)]) == {str(alice.id)}


def test_another_process_s_mark_is_not_taken_away(alice, monkeypatch):
    presence.mark([str(alice.id)])
    monkeypatch.setattr(presence, "PROCESS", "another")

    presence.unmark([str(alice.id)])

    assert presence.marked([str(alice.id)]) == {str(alice.id)}


# --- who may know --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "contact", "stranger"),
    [("everyone", True, True), ("contacts", True, None), ("nobody", None, None)],
)
def test_alice_chooses_who_sees_her(alice, bob, audience, contact, stranger):
    update_privacy(user=alice, last_seen_to=audience)
    presence.mark([str(alice.id)])

    seen = [known(bob, alice, contacts=contacts) for contacts in ({alice.id}, set())]

    assert [each and each.online for each in seen] == [contact, stranger]


async def test_whoever_begins_to_hide_is_not_said_to_have_gone(connect, alice, bob, direct, watch):
    await connect(alice)
    looker = await connect(bob)
    await looker.ask("watch", users=["alice"])
    await watch()
    assert (await looker.hear("presence"))["online"] is True

    await in_thread(lambda: update_privacy(user=alice, last_seen_to=User.Audience.NOBODY))
    await connect(alice)
    for _refresh in range(REFRESH_TICKS):
        await watch()

    hidden = await looker.hear("presence")
    assert (hidden["online"], hidden["last_seen_at"]) == (None, None)


def test_whoever_hides_sees_nobody(alice, bob):
    update_privacy(user=bob, last_seen_to=User.Audience.NOBODY)

    assert known(bob, alice) is None


async def test_whoever_begins_to_hide_hears_of_nobody_any_more(connect, alice, bob, direct, watch):
    phone, looker = await connect(alice), await connect(bob)
    await looker.ask("watch", users=["alice"])
    await watch()
    assert (await looker.hear("presence"))["online"] is True

    await in_thread(lambda: update_privacy(user=bob, last_seen_to=User.Audience.NOBODY))
    await looker.hear("ready")
    await looker.everything()
    await phone.leave()
    await watch()

    assert await looker.everything() == []
    assert (await looker.ask("watch", users=["alice"]))["presence"] == []


async def test_whoever_shows_themselves_again_sees_others_again(connect, alice, bob, direct, watch):
    await in_thread(lambda: update_privacy(user=bob, last_seen_to=User.Audience.NOBODY))
    phone, looker = await connect(alice), await connect(bob)
    await watch()

    await in_thread(lambda: update_privacy(user=bob, last_seen_to=User.Audience.CONTACTS))
    answer = await looker.ask("watch", users=["alice"])
    await phone.leave()
    await watch()

    assert [each["online"] for each in answer["presence"]] == [True]
    assert (await looker.hear("presence"))["online"] is False


@pytest.mark.parametrize(("blocker", "blocked"), [("alice", "bob"), ("bob", "alice")])
def test_a_block_hides_both_from_each_other(alice, bob, blocker, blocked):
    block(user=User.objects.get(username=blocker), username=blocked)

    assert (known(bob, alice), known(alice, bob)) == (None, None)


@pytest.mark.parametrize(("blocker", "blocked"), [("alice", "bob"), ("bob", "alice")])
async def test_a_block_ends_what_they_saw_of_each_other(
    connect, alice, bob, carol, direct, watch, blocker, blocked
):
    phone, looker = await connect(alice), await connect(bob)
    await looker.ask("watch", users=["alice"])
    await watch()
    assert (await looker.hear("presence"))["online"] is True

    await in_thread(lambda: block(user=User.objects.get(username=blocker), username=blocked))
    hidden = await looker.hear("presence")
    await in_thread(lambda: start_direct(user=carol, username="bob"))
    await looker.hear("conversation.created")  # whoever joins looks again at all they hear
    await looker.everything()
    await phone.leave()
    await watch()

    assert (hidden["online"], hidden["last_seen_at"]) == (None, None)
    assert await looker.everything() == []


# --- when nobody knows ---------------------------------------------------------------------------


@contextmanager
def the_cache_away():
    cache = Mock()
    for call in ("get_many", "set_many", "delete_many"):
        getattr(cache, call).side_effect = ConnectionError
    with patch.object(presence, "cache", cache):  # Django's own is another one in each thread
        yield


def test_without_the_cache_nobody_is_said_to_be_here_or_away(alice, bob):
    presence.note_last_seen([str(alice.id)])
    alice.refresh_from_db()

    with the_cache_away():
        presence.mark([str(alice.id)])
        presence.unmark([str(alice.id)])

        assert known(bob, alice) == Presence(online=None, last_seen_at=None)


async def test_whoever_looks_is_told_that_nobody_knows_and_then_how_it_is(
    connect, open_page, alice, bob, direct, watch
):
    await connect(alice)
    looker, page = await connect(bob), await open_page(bob)
    for view in (looker, page):
        await view.ask("watch", users=["alice"])
    answered = await page.hear("live-presence", user=str(alice.id))
    await watch()
    assert (await looker.hear("presence"))["online"] is True
    assert "online" in await page.hear("live-presence", user=str(alice.id))

    with the_cache_away():
        await watch()
        unknown = await looker.hear("presence")
        shown = await page.hear("live-presence", user=str(alice.id))
        answer = await looker.ask("watch", users=["alice"])
    await watch()
    known_again = await looker.hear("presence")

    assert (unknown["online"], unknown["last_seen_at"]) == (None, None)
    assert "online" not in answered
    assert ("online" in shown, shown["last-seen"]) == (False, "")
    assert [each["online"] for each in answer["presence"]] == [None]
    assert known_again["online"] is True
