"""Reporting through the pages: from a message's menu, and from the info of a chat."""

from __future__ import annotations

import pytest

from accounts.models import Block
from accounts.services import block, suspend
from messaging.models import Message, Report
from messaging.moderation import snapshots
from messaging.services import delete_message

HTMX = {"HX-Request": "true"}
THANKS = "Thanks. The moderators will review it."


def door(message, act="report") -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def person_door(conversation, user) -> str:
    return f"/chats/{conversation.id}/members/{user.username}/report"


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_bob_reports_what_alice_said(browser, alice, bob, direct, say, headers):
    message, client = say(alice, direct, "vile"), browser(bob)

    asked = client.get(door(message), headers=headers).content.decode()
    answer = client.post(door(message), {"reason": "abuse", "comment": "hm"}, headers=headers)

    report = Report.objects.for_display().get()
    assert all(words in asked for words in ("vile", "Insults, threats or harassment", "csrf"))
    assert THANKS in answer.content.decode()
    assert (report.reason, report.message) == ("abuse", message)
    assert snapshots.opened(report).comment == "hm"
    assert not Block.objects.exists()


def test_the_dialog_is_answered_with_words_alone(browser, alice, bob, direct, say):
    answer = browser(bob).post(door(say(alice, direct)), {"reason": "spam"}, headers=HTMX)

    assert answer.content.decode().strip() == f"<live-toast>{THANKS}</live-toast>"


def test_without_javascript_a_link_leads_back(browser, alice, bob, direct, say):
    page = browser(bob).post(door(say(alice, direct)), {"reason": "spam"}).content.decode()

    assert "<html" in page
    assert f'href="/chats/{direct.id}"' in page


def test_bob_reports_alice_and_blocks_her_as_well(browser, alice, bob, direct):
    client = browser(bob)
    assert person_door(direct, alice) in client.get(f"/chats/{direct.id}/info").content.decode()
    assert "Also block Alice" in client.get(person_door(direct, alice)).content.decode()

    client.post(person_door(direct, alice), {"reason": "imposture", "block": "on"})

    assert Report.objects.get().person == alice
    assert Block.objects.filter(blocker=bob, blocked=alice).exists()


def test_whoever_is_blocked_already_is_not_offered_to_be(browser, alice, bob, direct):
    block(user=bob, username="alice")

    assert "Also block" not in browser(bob).get(person_door(direct, alice)).content.decode()


def test_a_member_of_a_group_can_be_reported_by_any_other(browser, bob, carol, group):
    client = browser(bob)
    info = client.get(f"/chats/{group.id}/info").content.decode()

    client.post(person_door(group, carol), {"reason": "spam", "comment": "all day"})

    report = Report.objects.for_display().get()
    assert person_door(group, carol) in info
    assert person_door(group, bob) not in info
    assert (report.person, report.conversation) == (carol, group)
    assert snapshots.opened(report).comment == "all day"


def test_twice_is_thanked_twice_and_one_report(browser, alice, bob, direct, say):
    message, client = say(alice, direct), browser(bob)

    pages = [client.post(door(message), {"reason": "spam"}).content.decode() for _ in range(2)]

    assert all(THANKS in page for page in pages)
    assert Report.objects.count() == 1


@pytest.mark.parametrize("wish", [{}, {"reason": "boredom"}, {"reason": "x", "comment": "y"}])
def test_without_a_reason_nothing_is_reported(browser, alice, bob, direct, say, wish):
    answer = browser(bob).post(door(say(alice, direct)), wish | {"block": "on"})

    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert not Report.objects.exists()
    assert not Block.objects.exists()


def test_too_many_words_are_told_and_kept_in_the_box(browser, alice, bob, direct, say):
    wish = {"reason": "spam", "comment": "x" * 501, "block": "on"}

    answer = browser(bob).post(door(say(alice, direct)), wish)

    assert answer.status_code == 422
    assert "at most 500 characters" in answer.content.decode()
    assert "x" * 501 in answer.content.decode()
    assert not Block.objects.exists()


# Where it is offered


def menu(client, message) -> str:
    return client.get(door(message, "menu"), headers=HTMX).content.decode()


def test_the_menu_offers_it_for_what_others_said_only(browser, alice, bob, group, say, membership):
    own, other, tombstone = say(bob, group), say(alice, group), say(alice, group)
    delete_message(membership=membership(alice, group), message_id=tombstone.id)
    notice = Message.objects.filter(kind="system").last()
    client = browser(bob)

    offers = [door(one) in menu(client, one) for one in (other, own, tombstone, notice)]

    assert offers == [True, False, False, False]
    assert [client.get(door(one)).status_code for one in (own, tombstone, notice)] == [403] * 3


def test_the_menu_s_page_offers_it_without_javascript(browser, alice, bob, direct, say):
    message = say(alice, direct)

    assert door(message) in browser(bob).get(door(message, "menu")).content.decode()


def test_mallory_finds_nothing(browser, alice, bob, mallory, dave, direct, group, say):
    message = say(alice, direct)
    suspend(user=bob)

    assert browser(mallory).get(door(message)).status_code == 404
    assert browser(mallory).post(door(message), {"reason": "spam"}).status_code == 404
    assert browser(mallory).get(person_door(direct, alice)).status_code == 404
    for nobody in (alice, mallory, dave, bob):  # herself, never in, has left, suspended
        assert browser(alice).get(person_door(group, nobody)).status_code == 404
    assert not Report.objects.exists()


def test_whoever_is_not_signed_in_is_led_to_the_login(client, alice, direct, say):
    for address in (door(say(alice, direct)), person_door(direct, alice)):
        assert client.get(address)["Location"].startswith("/login")


def test_it_speaks_german(browser, alice, bob, direct, say):
    client = browser(bob)

    page = client.get(door(say(alice, direct)), headers={"Accept-Language": "de"}).content.decode()

    assert "Beleidigung" in page
    assert "Melden" in page
