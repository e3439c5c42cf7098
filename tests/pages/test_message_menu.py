"""The menu of a message, as a fragment and as a page: what it offers is for the server to say."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

HTMX = {"HX-Request": "true"}


def door(message, act="menu") -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def menu(client, message) -> str:
    response = client.get(door(message), headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


def test_alice_may_edit_and_delete_what_she_just_said(browser, alice, direct, say):
    html = menu(browser(alice), say(alice, direct))

    assert "/edit" in html
    assert "/delete" in html


def test_bob_may_not_edit_or_delete_what_alice_said(browser, alice, bob, direct, say):
    html = menu(browser(bob), say(alice, direct))

    assert "/edit" not in html
    assert "/delete" not in html
    assert "reactions" in html


def test_an_admin_may_delete_what_others_said_but_not_edit_it(browser, bob, carol, group, say):
    html = menu(browser(carol), say(bob, group))

    assert "/edit" not in html
    assert "/delete" in html


def test_after_a_quarter_of_an_hour_there_is_nothing_to_edit(browser, alice, direct, say):
    message = say(alice, direct)
    message.created_at -= timedelta(minutes=16)
    message.save(update_fields=["created_at"])

    html = menu(browser(alice), message)

    assert "/edit" not in html
    assert "/delete" in html


def test_the_menu_of_a_deleted_message_offers_its_info_only(browser, alice, direct, say):
    message, client = say(alice, direct), browser(alice)
    client.post(door(message, "delete"))

    html = menu(client, message)

    assert "/info" in html
    assert "/delete" not in html
    assert 'name="emoji"' not in html


def test_what_one_has_given_is_checked_and_can_be_withdrawn(browser, alice, direct, say):
    message, client = say(alice, direct), browser(alice)
    client.post(door(message, "reactions"), {"emoji": "🎉"})

    html = menu(client, message)

    assert 'value="🎉" role="menuitemcheckbox" aria-checked="true"' in html
    assert "reactions/withdraw" in html


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_mallory_finds_nothing(browser, alice, mallory, direct, say, act):
    assert browser(mallory).get(door(say(alice, direct), act)).status_code == 404


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_a_message_is_found_in_its_own_conversation_only(browser, alice, direct, group, say, act):
    elsewhere = say(alice, group)
    elsewhere.conversation_id = direct.id

    assert browser(alice).get(door(elsewhere, act)).status_code == 404


@pytest.mark.parametrize("act", ["menu", "info", "edit", "delete"])
def test_whoever_is_not_signed_in_is_led_to_the_login(client, db, act):
    response = client.get(f"/chats/{uuid.uuid4()}/messages/{uuid.uuid4()}/{act}")

    assert response.status_code == 302
    assert response["Location"].startswith("/login")


def test_without_javascript_the_menu_is_a_page_and_the_history_leads_to_it(
    browser, alice, direct, say
):
    message, client = say(alice, direct, "hello"), browser(alice)

    page = client.get(door(message)).content.decode()

    assert "<html" in page
    assert "hello" in page
    assert door(message) in client.get(f"/chats/{direct.id}").content.decode()


def test_a_reply_without_javascript_starts_in_the_composer(browser, alice, bob, direct, say):
    message = say(bob, direct, "shall we?")

    page = browser(alice).get(f"/chats/{direct.id}?reply={message.id}").content.decode()

    assert f'name="reply_to" value="{message.id}"' in page
