"""Registration, direct chats, groups, presence and typing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD
from tests.journeys.windows import PHONE

pytestmark = pytest.mark.journey


def sign_up(view, username):
    view.go("/register")
    view.fill(Username=username, Email=f"{username}@example.org", Password=PASSWORD)
    view.press("Sign up")
    view.expect_path("/")


def test_two_new_users_find_each_other_and_exchange_messages(window):
    erin, farid = window(), window()
    sign_up(erin, "erin")
    sign_up(farid, "farid")

    erin.fill(Search="far")
    erin.press("farid @farid")
    erin.say("Hello Farid")
    expect(farid.row("erin")).to_contain_text("Hello Farid")
    farid.row("erin").get_by_role("link").click()
    farid.say("Hello Erin", "How is it going?")

    for view in (erin, farid):
        view.expect_messages("Hello Farid", "Hello Erin", "How is it going?")


def test_new_member_of_a_group_sees_only_messages_since_joining(window, alice, bob, carol, dave):
    group = alice.start_group("Garden", bob, carol)
    alice.say(group, "Before Dave came")
    hers, his = window(alice, path=f"/chats/{group}/info"), window(dave)
    hers.page.get_by_text("Add people").click()
    hers.fill(Find_people=dave.username)
    hers.page.get_by_role("checkbox", name=dave.username).check()
    hers.press("Add")
    expect(hers.page.get_by_text("4 members")).to_be_visible()

    his.row("Garden").get_by_role("link").click()
    hers.follow("Back")
    hers.say("Welcome, Dave")

    his.expect_messages("Alice added Dave", "Welcome, Dave")
    hers.expect_messages("You created", "Before Dave came", "You added Dave", "Welcome, Dave")


def test_user_starts_a_group_with_a_name_and_members(window, alice, bob, carol):
    hers, his = window(alice), window(bob)
    hers.follow("New group")
    hers.fill(Group_name="Garden")
    for person in (bob, carol):
        hers.fill(Find_people=person.username)
        hers.page.get_by_role("checkbox", name=person.username).check()
    hers.press("Create group")
    hers.say("Who has time on Saturday?")

    expect(his.link("Alice: Who has time on Saturday?")).to_be_visible()
    his.row("Garden").get_by_role("link").click()
    expect(his.page.get_by_role("heading", name="Garden")).to_be_visible()
    expect(his.page.get_by_text("3 members")).to_be_visible()


def test_group_is_made_of_people_from_recent_chats_without_a_search(
    window, alice, bob, carol, dave
):
    for other in (bob, carol, dave):
        alice.start_chat(other)
    view = window(alice, path="/chats/new/group", **PHONE)
    view.fill(Group_name="Garden")
    for other in (bob, carol, dave):
        view.page.get_by_role("checkbox", name=other.username).click()
    expect(view.page.get_by_text("3 chosen")).to_be_visible()
    view.press("Remove: Dave")

    expect(view.page.get_by_text("2 chosen")).to_be_visible()
    expect(view.page.get_by_role("checkbox", name=dave.username)).not_to_be_checked()
    expect(view.page.get_by_role("button", name="Create group")).to_be_in_viewport()
    view.press("Create group")
    expect(view.page.get_by_text("3 members")).to_be_visible()


def test_new_title_of_a_group_is_shown_to_all_members(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    hers, his = window(alice, path=f"/chats/{group}/info"), window(bob, path=f"/chats/{group}")
    hers.fill(Group_name="Allotment")
    hers.press("Rename")

    expect(his.page.get_by_role("heading", name="Allotment")).to_be_visible()
    expect(his.page).to_have_title("Allotment · ChatFlow")
    expect(his.row("Allotment")).to_be_visible()
    expect(his.messages.last).to_contain_text("Alice renamed the group")


def test_presence_of_the_other_person_is_shown(window, alice, bob):
    chat = alice.start_chat(bob)
    hers = window(alice, path=f"/chats/{chat}")
    expect(hers.page.get_by_role("main")).to_contain_text(f"@{bob.username}")
    his = window(bob)

    expect(hers.page.get_by_role("main").get_by_text("online", exact=True)).to_be_visible()
    expect(hers.row("Bob").get_by_role("img", name="online")).to_be_visible()
    his.page.context.close()
    expect(hers.page.get_by_role("main").get_by_text("last seen")).to_be_visible()
    expect(hers.row("Bob").get_by_role("img", name="online")).to_be_hidden()


def test_typing_is_shown_to_the_other_person(window, alice, bob):
    chat = alice.start_chat(bob)
    hers, his = window(alice, path=f"/chats/{chat}"), window(bob, path=f"/chats/{chat}")

    def typing_is_shown() -> bool:
        his.box.press_sequentially("o")
        return hers.page.get_by_text("typing…").filter(visible=True).count() > 0

    hers.wait_until(typing_is_shown)  # repeated, because her socket may not be open yet
    his.box.clear()
    expect(hers.page.get_by_text("typing…")).to_have_count(0)
