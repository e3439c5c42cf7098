"""The people whom a user is offered before they search for anybody."""

from __future__ import annotations

import re

import pytest

from accounts.services import block, delete_account
from conversations.listing import MAX_RECENT_PEOPLE, recent_people
from conversations.services import start_direct
from tests.conftest import PASSWORD

HTMX = {"HX-Request": "true"}
OFFERED = re.compile('name="members?" value="([^"]+)"')


@pytest.fixture
def chats(alice, bob, carol, say):
    """alice's direct chats with bob and then carol."""
    for other in (bob, carol):
        chat, _is_new = start_direct(user=alice, username=other.username)
        say(alice, chat)


def test_people_of_direct_chats_are_offered_by_recent_activity(alice, bob, carol, chats, say):
    assert recent_people(alice) == [carol, bob]

    say(bob, start_direct(user=bob, username="alice")[0])
    assert recent_people(alice) == [bob, carol]


def test_members_of_groups_and_strangers_are_not_offered(alice, bob, group, mallory):
    assert recent_people(alice) == recent_people(mallory) == []


def test_nobody_learns_who_has_looked_them_up(alice, mallory):
    start_direct(user=mallory, username="alice")

    assert (recent_people(alice), recent_people(mallory)) == ([], [alice])


def test_blocked_suspended_and_deleted_people_are_left_out(
    alice, bob, carol, dave, mallory, chats, say
):
    for other in (dave, mallory):
        say(alice, start_direct(user=alice, username=other.username)[0])
    block(user=alice, username="bob")
    block(user=dave, username="alice")  # which alice is not told
    delete_account(user=carol, password=PASSWORD)
    mallory.is_active = False
    mallory.save()

    assert recent_people(alice) == [dave]


def test_one_query_finds_the_first_ones(alice, crowd, django_assert_num_queries):
    for name in crowd(MAX_RECENT_PEOPLE + 1):
        start_direct(user=alice, username=name)

    with django_assert_num_queries(1):
        assert len(recent_people(alice)) == MAX_RECENT_PEOPLE


@pytest.mark.parametrize("path", ["/people", "/chats/new", "/chats/new/group"])
def test_pages_offer_them_until_something_is_searched_for(browser, alice, chats, path):
    client = browser(alice)

    assert OFFERED.findall(client.get(path).content.decode()) == ["carol", "bob"]
    assert OFFERED.findall(client.get(path, {"search": "bo"}).content.decode()) == ["bob"]


def test_emptied_search_offers_them_again_but_not_above_the_list(browser, alice, chats):
    client = browser(alice)

    picker = client.get("/people", {"pick": "1", "search": ""}, headers=HTMX).content.decode()
    assert OFFERED.findall(picker) == ["carol", "bob"]
    assert OFFERED.findall(client.get("/people", {"q": ""}, headers=HTMX).content.decode()) == []


def test_chosen_people_are_not_offered_again(browser, alice, chats):
    page = browser(alice).get("/chats/new/group", {"members": "bob"}).content.decode()

    assert OFFERED.findall(page) == ["bob", "carol"]
    assert page.index('value="bob" type="checkbox" checked') < page.index("Recent chats")


def test_somebody_without_chats_is_told_how_to_find_people(browser, alice):
    for path in ("/people", "/chats/new", "/chats/new/group"):
        assert "Find people by their name or username." in browser(alice).get(path).content.decode()


def test_number_of_chosen_people_is_translated(browser, alice):
    page = browser(alice).get("/chats/new/group", headers={"Accept-Language": "de"})

    assert 'data-text="%s ausgewählt"' in page.content.decode()
