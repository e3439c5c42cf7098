"""Editing, deleting and reacting through the pages."""

from __future__ import annotations

import pytest

from messaging.receipts import acknowledge
from messaging.services import react

HTMX = {"HX-Request": "true"}


def url(message, act) -> str:
    return f"/chats/{message.conversation_id}/messages/{message.id}/{act}"


def test_edit_returns_the_new_message(browser, alice, direct, say):
    message = say(alice, direct, "helo")

    response = browser(alice).post(url(message, "edit"), {"body": "hello"}, headers=HTMX)

    html = response.content.decode()
    assert html.startswith("<article")
    assert "hello" in html
    assert "Edited" in html


def test_markup_in_an_edit_is_escaped(browser, alice, direct, say):
    message = say(alice, direct)

    response = browser(alice).post(
        url(message, "edit"), {"body": "<script>alert(1)</script>"}, headers=HTMX
    )

    assert "&lt;script&gt;" in response.content.decode()
    assert "<script" not in response.content.decode()


def test_empty_edit_is_refused_and_changes_nothing(browser, alice, direct, say):
    message = say(alice, direct, "hello")

    response = browser(alice).post(url(message, "edit"), {"body": "  "})

    assert response.status_code == 422
    assert "1 to 4096" in response.content.decode()
    assert "hello" in browser(alice).get(f"/chats/{direct.id}").content.decode()


def test_only_the_sender_can_edit(browser, alice, bob, direct, say):
    message = say(alice, direct, "mine")

    response = browser(bob).post(url(message, "edit"), {"body": "stolen"}, headers=HTMX)

    assert response.status_code == 403
    assert "stolen" not in browser(alice).get(f"/chats/{direct.id}").content.decode()


def test_deleting_returns_the_tombstone_every_time(browser, alice, direct, say):
    message, client = say(alice, direct, "a secret"), browser(alice)

    once = client.post(url(message, "delete"), headers=HTMX)
    twice = client.post(url(message, "delete"), headers=HTMX)

    assert "message--deleted" in once.content.decode()
    assert "a secret" not in once.content.decode()
    assert once.content == twice.content


def test_only_the_sender_can_delete(browser, alice, bob, direct, say):
    message = say(alice, direct)

    assert browser(bob).post(url(message, "delete"), headers=HTMX).status_code == 403


def test_confirmation_page_deletes_nothing(browser, alice, direct, say):
    message = say(alice, direct, "still here")

    response = browser(alice).get(url(message, "delete"))

    assert "still here" in response.content.decode()
    message.refresh_from_db()
    assert message.deleted_at is None


def test_repeated_reaction_and_removal_have_no_further_effect(browser, bob, alice, direct, say):
    message, client = say(alice, direct), browser(bob)
    client.post(url(message, "reactions"), {"emoji": "👍"}, headers=HTMX)

    given = client.post(url(message, "reactions"), {"emoji": "👍"}, headers=HTMX)
    assert "<span>1</span>" in given.content.decode()
    assert f'data-users="{bob.id}"' in given.content.decode()

    client.post(url(message, "reactions/withdraw"), {"emoji": "👍"}, headers=HTMX)
    gone = client.post(url(message, "reactions/withdraw"), {"emoji": "👍"}, headers=HTMX)
    assert "reaction" not in gone.content.decode()


@pytest.mark.parametrize("emoji", ["", "no", "<b>"])
def test_text_is_refused_as_a_reaction(browser, alice, direct, say, emoji):
    message = say(alice, direct)

    response = browser(alice).post(url(message, "reactions"), {"emoji": emoji}, headers=HTMX)

    assert response.status_code == 400


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_stranger_cannot_change_a_message(browser, alice, mallory, direct, say, act):
    message = say(alice, direct)

    response = browser(mallory).post(url(message, act), {"body": "x", "emoji": "👍"})

    assert response.status_code == 404
    message.refresh_from_db()
    assert (message.edited_at, message.deleted_at) == (None, None)


@pytest.mark.parametrize("act", ["edit", "delete", "reactions", "reactions/withdraw"])
def test_actions_without_javascript_redirect_to_the_message(browser, alice, direct, say, act):
    message = say(alice, direct)

    response = browser(alice).post(url(message, act), {"body": "x", "emoji": "👍"})

    assert response["Location"] == f"/chats/{direct.id}?around={message.seq}"


def test_info_leaves_its_reader_out_and_calls_them_you_in_reactions(
    browser, alice, bob, group, say, membership
):
    message = say(bob, group, "Hello")
    acknowledge(membership=membership(alice, group), read_seq=message.seq)
    react(membership=membership(alice, group), message_id=message.id, emoji="👍")

    page = browser(alice).get(url(message, "info"), headers=HTMX).content.decode()

    assert "Alice" not in page
    assert ">You<" in page  # among those who reacted
    assert ">Bob<" in page


def test_info_lists_who_has_read_the_message(browser, alice, bob, carol, group, say):
    message = say(alice, group)
    say(bob, group, "read that")

    page = browser(alice).get(url(message, "info"), headers=HTMX).content.decode()

    read, waiting = page.split("Not yet delivered", 1)
    assert "Bob" in read
    assert "Carol" in waiting
