"""The list beside the pane, when it is longer than what is shown at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

ROWS = 30
OLDEST = "Group 00"


@pytest.fixture
def groups(alice, bob, carol) -> list[str]:
    """So many that the oldest ones have to be asked for."""
    return [alice.start_group(f"Group {number:02}", bob, carol) for number in range(ROWS + 5)]


@pytest.fixture
def hers(window, alice, groups):
    view = window(alice)
    expect(view.rows).to_have_count(ROWS + 1)  # and the link to the older ones
    expect(view.row(OLDEST)).to_have_count(0)
    return view


def test_an_older_chat_is_found_by_its_title(hers):
    hers.fill(Search=OLDEST)

    expect(hers.row(OLDEST)).to_be_visible()
    expect(hers.rows).to_have_count(1)
    hers.page.keyboard.press("Enter")
    expect(hers.page.get_by_role("heading", name=OLDEST)).to_be_visible()


def test_what_a_row_holds_out_of_sight_is_not_searched(hers):
    hers.fill(Search="raf")  # as in “Draft”

    expect(hers.page.get_by_role("button", name="Search messages raf")).to_be_visible()
    expect(hers.rows).to_have_count(0)


def test_a_chat_that_begins_while_one_searches_is_left_out_as_well(hers, alice, bob):
    hers.fill(Search="Group 34")
    expect(hers.rows).to_have_count(1)
    bob.say(bob.start_chat(alice), "Good morning")

    expect(hers.page.get_by_text("Good morning")).to_be_attached()
    expect(hers.rows).to_have_count(1)


def test_a_chat_that_came_by_itself_stands_once_and_in_its_place(hers, groups):
    hers.go(f"/chats/{groups[0]}")
    expect(hers.row(OLDEST)).to_have_count(1)
    hers.link("Older chats").scroll_into_view_if_needed()

    expect(hers.rows.last).to_contain_text(OLDEST)
    expect(hers.rows).to_have_count(ROWS + 5)
