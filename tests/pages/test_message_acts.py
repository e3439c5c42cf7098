"""Editing, deleting and reacting through the page's doors."""

from __future__ import annotations

import pytest

from messaging.receipts import acknowledge
from messaging.services import react

HTMX = {"HX-Request": "true"}


def door(message, act) -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def test_an_edit_is_answered_with_the_message_as_everybody_sees_it(browser, alice, direct, say):
    message = say(alice, direct, "helo")

    response = browser(alice).post(door(message, "edit"), {"body": "hello"}, headers=HTMX)

    html = response.content.decode()
    assert html.startswith("<article")
    assert "hello" in html
    assert "Edited" in html


def test_markup_in_an_edit_stays_text(browser, alice, direct, say):
    message = say(alice, direct)

    response = browser(alice).post(
        door(message, "edit"), {"body": "<script>alert(1)</script>"}, headers=HTMX
    )

    assert "&lt;script&gt;" in response.content.decode()
    assert "<script" not in response.content.decode()


def test_an_edit_to_nothing_is_explained_and_changes_nothing(browser, alice, direct, say):
    message = say(alice, direct, "hello")

    response = browser(alice).post(door(message, "edit"), {"body": "  "})

    assert response.status_code == 422
    assert "1 to 4096" in response.content.decode()
    assert "hello" in browser(alice).get(f"/chats/{direct.id}").content.decode()


def test_bob_cannot_edit_what_alice_said(browser, alice, bob, direct, say):
    message = say(alice, direct, "mine")

    response = browser(bob).post(door(message, "edit"), {"body": "stolen"}, headers=HTMX)

    assert response.status_code == 403
    assert "stolen" not in browser(alice).get(f"/chats/{direct.id}").content.decode()


def test_a_deleted_message_leaves_its_place_and_nothing_else(browser, alice, direct, say):
    message, client = say(alice, direct, "a secret"), browser(alice)

    once = client.post(door(message, "delete"), headers=HTMX)
    twice = client.post(door(message, "delete"), headers=HTMX)

    assert "message--deleted" in once.content.decode()
    assert "a secret" not in once.content.decode()
    assert once.content == twice.content


def test_bob_cannot_delete_what_alice_said(browser, alice, bob, direct, say):
    message = say(alice, direct)

    assert browser(bob).post(door(message, "delete"), headers=HTMX).status_code == 403


def test_asking_to_delete_deletes_nothing(browser, alice, direct, say):
    message = say(alice, direct, "still here")

    response = browser(alice).get(door(message, "delete"))

    assert "still here" in response.content.decode()
    message.refresh_from_db()
    assert message.deleted_at is None


def test_reacting_twice_counts_once_and_withdrawing_twice_is_fine(browser, bob, alice, direct, say):
    message, client = say(alice, direct), browser(bob)
    client.post(door(message, "reactions"), {"emoji": "👍"}, headers=HTMX)

    given = client.post(door(message, "reactions"), {"emoji": "👍"}, headers=HTMX)
    assert "<span>1</span>" in given.content.decode()
    assert f'data-users="{bob.id}"' in given.content.decode()

    client.post(door(message, "reactions/withdraw"), {"emoji": "👍"}, headers=HTMX)
    gone = client.post(door(message, "reactions/withdraw"), {"emoji": "👍"}, headers=HTMX)
    assert "reaction" not in gone.content.decode()


@pytest.mark.parametrize("emoji", ["", "no", "<b>"])
def test_words_are_no_reaction(browser, alice, direct, say, emoji):
    message = say(alice, direct)

    response = browser(alice).post(door(message, "reactions"), {"emoji": emoji}, headers=HTMX)

    assert response.status_code == 400


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_mallory_changes_nothing(browser, alice, mallory, direct, say, act):
    message = say(alice, direct)

    response = browser(mallory).post(door(message, act), {"body": "x", "emoji": "👍"})

    assert response.status_code == 404
    message.refresh_from_db()
    assert (message.edited_at, message.deleted_at) == (None, None)


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_without_javascript_one_comes_back_to_the_message(browser, alice, direct, say, act):
    message = say(alice, direct)

    response = browser(alice).post(door(message, act), {"body": "x", "emoji": "👍"})

    assert response["Location"] == f"/chats/{direct.id}?around={message.seq}"


def test_the_info_does_not_name_its_reader_and_calls_them_you(
    browser, alice, bob, group, say, membership
):
    message = say(bob, group, "Hello")
    acknowledge(membership=membership(alice, group), read_seq=message.seq)
    react(membership=membership(alice, group), message_id=message.id, emoji="👍")

    page = browser(alice).get(door(message, "info"), headers=HTMX).content.decode()

    assert "Alice" not in page
    assert ">You<" in page  # among those who reacted
    assert ">Bob<" in page


def test_the_info_says_who_has_read_and_who_has_not(browser, alice, bob, carol, group, say):
    message = say(alice, group)
    say(bob, group, "read that")

    page = browser(alice).get(door(message, "info"), headers=HTMX).content.decode()

    read, waiting = page.split("Not yet delivered", 1)
    assert "Bob" in read
    assert "Carol" in waiting
