"""Names and avatars beside the messages of a group."""

from __future__ import annotations

import re

import pytest

from accounts.services import delete_account, update_profile
from conversations.models import Conversation
from tests.conftest import PASSWORD

AVATAR = re.compile(r'<a class="message__avatar" href="([^"]*)"[^>]*><span class="avatar"')
AUTHOR = re.compile(r'<a class="message__author" dir="auto" href="([^"]*)">([^<]*)</a>')


@pytest.fixture
def chat_page(browser):
    """chat_page(alice, group) is the HTML of the open chat."""
    return lambda user, chat: browser(user).get(f"/chats/{chat.id}").content.decode()


def test_group_messages_link_their_author_to_the_list_of_members(
    chat_page, browser, alice, bob, group, say
):
    say(bob, group)
    page, member = chat_page(alice, group), f"/chats/{group.id}/info#member-{bob.id}"

    assert member in AVATAR.findall(page)
    assert (member, "Bob") in AUTHOR.findall(page)
    assert f'id="member-{bob.id}"' in browser(alice).get(member).content.decode()


def test_live_message_has_the_same_author_as_the_page(browser, alice, bob, group, say):
    message = say(bob, group)
    since = f"/chats/{group.id}/changes?since={message.version - 1}"

    fragment = browser(alice).get(since, headers={"HX-Request": "true"}).content.decode()

    assert len(AVATAR.findall(fragment)) == len(AUTHOR.findall(fragment)) == 1


def test_direct_chat_shows_no_avatars_beside_messages(chat_page, alice, bob, direct, say):
    say(bob, direct)

    page = chat_page(alice, direct)

    assert (AVATAR.findall(page), AUTHOR.findall(page)) == ([], [])


def test_deleted_account_leads_nowhere(chat_page, alice, bob, group, say):
    say(bob, group)
    delete_account(user=bob, password=PASSWORD)

    page = chat_page(alice, group)

    assert f"#member-{bob.id}" not in page
    assert "Deleted account</p>" in page


def test_name_of_an_author_is_escaped(chat_page, alice, bob, group, say):
    update_profile(user=bob, display_name="<b>Bob")
    say(bob, group)

    page = chat_page(alice, group)

    assert (f"/chats/{group.id}/info#member-{bob.id}", "&lt;b&gt;Bob") in AUTHOR.findall(page)


def test_menu_of_a_member_starts_a_chat_with_them(browser, alice, bob, group):
    client = browser(alice)
    offered = re.search(
        r'<button class="menu__item" name="member" value="bob">Message Bob</button>',
        client.get(f"/chats/{group.id}/info").content.decode(),
    )

    answer = client.post("/chats/new", {"member": "bob"})

    assert offered
    assert Conversation.objects.filter(kind="direct").count() == 1
    assert answer.status_code == 302
