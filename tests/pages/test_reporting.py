"""Reporting a message from its menu, or a user from the info page of a chat."""

from __future__ import annotations

import pytest

from accounts.models import Block
from accounts.services import block, suspend
from messaging.models import Message, Report
from messaging.moderation import snapshots
from messaging.services import delete_message

HTMX = {"HX-Request": "true"}
THANKS = "Thanks. The moderators will review it."


def url(message, act="report") -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def person_report_url(conversation, user) -> str:
    return f"/chats/{conversation.id}/members/{user.username}/report"


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_member_reports_a_message(browser, alice, bob, direct, say, headers):
    message, client = say(alice, direct, "vile"), browser(bob)

    asked = client.get(url(message), headers=headers).content.decode()
    answer = client.post(url(message), {"reason": "abuse", "comment": "hm"}, headers=headers)

    report = Report.objects.for_display().get()
    assert all(words in asked for words in ("vile", "Insults, threats or harassment", "csrf"))
    assert THANKS in answer.content.decode()
    assert (report.reason, report.message) == ("abuse", message)
    assert snapshots.opened(report).comment == "hm"
    assert not Block.objects.exists()


def test_dialog_gets_a_toast(browser, alice, bob, direct, say):
    answer = browser(bob).post(url(say(alice, direct)), {"reason": "spam"}, headers=HTMX)

    assert answer.content.decode().strip() == f"<live-toast>{THANKS}</live-toast>"


def test_confirmation_page_links_back_to_the_chat(browser, alice, bob, direct, say):
    page = browser(bob).post(url(say(alice, direct)), {"reason": "spam"}).content.decode()

    assert "<html" in page
    assert f'href="/chats/{direct.id}"' in page


def test_user_is_reported_and_blocked_together(browser, alice, bob, direct):
    client = browser(bob)
    assert (
        person_report_url(direct, alice) in client.get(f"/chats/{direct.id}/info").content.decode()
    )
    assert "Also block Alice" in client.get(person_report_url(direct, alice)).content.decode()

    client.post(person_report_url(direct, alice), {"reason": "imposture", "block": "on"})

    assert Report.objects.get().person == alice
    assert Block.objects.filter(blocker=bob, blocked=alice).exists()


def test_blocking_is_not_offered_for_a_blocked_user(browser, alice, bob, direct):
    block(user=bob, username="alice")

    assert "Also block" not in browser(bob).get(person_report_url(direct, alice)).content.decode()


def test_member_of_a_group_can_be_reported_by_other_members(browser, bob, carol, group):
    client = browser(bob)
    info = client.get(f"/chats/{group.id}/info").content.decode()

    client.post(person_report_url(group, carol), {"reason": "spam", "comment": "all day"})

    report = Report.objects.for_display().get()
    assert person_report_url(group, carol) in info
    assert person_report_url(group, bob) not in info
    assert (report.person, report.conversation) == (carol, group)
    assert snapshots.opened(report).comment == "all day"


def test_repeated_report_is_confirmed_but_not_stored_again(browser, alice, bob, direct, say):
    message, client = say(alice, direct), browser(bob)

    pages = [client.post(url(message), {"reason": "spam"}).content.decode() for _ in range(2)]

    assert all(THANKS in page for page in pages)
    assert Report.objects.count() == 1


@pytest.mark.parametrize("fields", [{}, {"reason": "boredom"}, {"reason": "x", "comment": "y"}])
def test_report_without_a_valid_reason_is_refused(browser, alice, bob, direct, say, fields):
    answer = browser(bob).post(url(say(alice, direct)), fields | {"block": "on"})

    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert not Report.objects.exists()
    assert not Block.objects.exists()


def test_too_long_comment_is_refused_and_kept_in_the_form(browser, alice, bob, direct, say):
    fields = {"reason": "spam", "comment": "x" * 501, "block": "on"}

    answer = browser(bob).post(url(say(alice, direct)), fields)

    assert answer.status_code == 422
    assert "at most 500 characters" in answer.content.decode()
    assert "x" * 501 in answer.content.decode()
    assert not Block.objects.exists()


# Where reporting is offered


def menu(client, message) -> str:
    return client.get(url(message, "menu"), headers=HTMX).content.decode()


def test_menu_offers_reporting_for_messages_of_others_only(
    browser, alice, bob, group, say, membership
):
    own, other, tombstone = say(bob, group), say(alice, group), say(alice, group)
    delete_message(membership=membership(alice, group), message_id=tombstone.id)
    notice = Message.objects.filter(kind="system").last()
    client = browser(bob)

    offers = [url(one) in menu(client, one) for one in (other, own, tombstone, notice)]

    assert offers == [True, False, False, False]
    assert [client.get(url(one)).status_code for one in (own, tombstone, notice)] == [403] * 3


def test_menu_page_without_javascript_offers_reporting(browser, alice, bob, direct, say):
    message = say(alice, direct)

    assert url(message) in browser(bob).get(url(message, "menu")).content.decode()


def test_stranger_gets_404(browser, alice, bob, mallory, dave, direct, group, say):
    message = say(alice, direct)
    suspend(user=bob)

    assert browser(mallory).get(url(message)).status_code == 404
    assert browser(mallory).post(url(message), {"reason": "spam"}).status_code == 404
    assert browser(mallory).get(person_report_url(direct, alice)).status_code == 404
    for nobody in (alice, mallory, dave, bob):  # herself, never in, has left, suspended
        assert browser(alice).get(person_report_url(group, nobody)).status_code == 404
    assert not Report.objects.exists()


def test_anonymous_visitor_is_redirected_to_the_login_page(client, alice, direct, say):
    for address in (url(say(alice, direct)), person_report_url(direct, alice)):
        assert client.get(address)["Location"].startswith("/login")


def test_report_form_is_translated(browser, alice, bob, direct, say):
    client = browser(bob)

    page = client.get(url(say(alice, direct)), headers={"Accept-Language": "de"}).content.decode()

    assert "Beleidigung" in page
    assert "Melden" in page
