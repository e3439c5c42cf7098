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


def test_a_chat_that_came_by_itself_stands_once_and_in_its_place(hers, groups):
    hers.go(f"/chats/{groups[0]}")
    expect(hers.row(OLDEST)).to_have_count(1)
    hers.link("Older chats").scroll_into_view_if_needed()

    expect(hers.rows.last).to_contain_text(OLDEST)
    expect(hers.rows).to_have_count(ROWS + 5)
