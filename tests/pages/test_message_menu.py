"""The menu of a message as a fragment and as a page. The server decides what it offers."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

HTMX = {"HX-Request": "true"}


def url(message, act="menu") -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def menu(client, message) -> str:
    response = client.get(url(message), headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


def test_sender_can_edit_and_delete(browser, alice, direct, say):
    html = menu(browser(alice), say(alice, direct))

    assert "/edit" in html
    assert "/delete" in html


def test_other_member_can_only_react(browser, alice, bob, direct, say):
    html = menu(browser(bob), say(alice, direct))

    assert "/edit" not in html
    assert "/delete" not in html
    assert "reactions" in html


def test_admin_can_delete_but_not_edit_messages_of_others(browser, bob, carol, group, say):
    html = menu(browser(carol), say(bob, group))

    assert "/edit" not in html
    assert "/delete" in html


def test_editing_is_not_offered_after_15_minutes(browser, alice, direct, say):
    message = say(alice, direct)
    message.created_at -= timedelta(minutes=16)
    message.save(update_fields=["created_at"])

    html = menu(browser(alice), message)

    assert "/edit" not in html
    assert "/delete" in html


def test_menu_of_a_deleted_message_offers_info_only(browser, alice, direct, say):
    message, client = say(alice, direct), browser(alice)
    client.post(url(message, "delete"))

    html = menu(client, message)

    assert "/info" in html
    assert "/delete" not in html
    assert 'name="emoji"' not in html


def test_own_reaction_is_checked_and_can_be_removed(browser, alice, direct, say):
    message, client = say(alice, direct), browser(alice)
    client.post(url(message, "reactions"), {"emoji": "🎉"})

    html = menu(client, message)

    assert 'value="🎉" role="menuitemcheckbox" aria-checked="true"' in html
    assert "reactions/withdraw" in html


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_stranger_gets_404(browser, alice, mallory, direct, say, act):
    assert browser(mallory).get(url(say(alice, direct), act)).status_code == 404


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_message_of_another_conversation_is_not_found(browser, alice, direct, group, say, act):
    elsewhere = say(alice, group)
    elsewhere.conversation_id = direct.id

    assert browser(alice).get(url(elsewhere, act)).status_code == 404


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_anonymous_visitor_is_redirected_to_the_login_page(client, db, act):
    response = client.get(f"/chats/{uuid.uuid4()}/messages/{uuid.uuid4()}/{act}")

    assert response.status_code == 302
    assert response["Location"].startswith("/login")


def test_menu_without_javascript_is_a_page_linked_from_the_history(browser, alice, direct, say):
    message, client = say(alice, direct, "hello"), browser(alice)

    page = client.get(url(message)).content.decode()

    assert "<html" in page
    assert "hello" in page
    assert url(message) in client.get(f"/chats/{direct.id}").content.decode()


def test_reply_link_without_javascript_fills_the_composer(browser, alice, bob, direct, say):
    message = say(bob, direct, "shall we?")

    page = browser(alice).get(f"/chats/{direct.id}?reply={message.id}").content.decode()

    assert f'name="reply_to" value="{message.id}"' in page
