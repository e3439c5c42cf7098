"""Emoji that complete what is typed after a colon."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.windows import Window

pytestmark = pytest.mark.journey

COMPOSE = """box => {
  box.value = ":hea";
  box.dispatchEvent(new InputEvent("input", { isComposing: true }));
}"""


@pytest.fixture
def hers(window, alice, bob) -> Window:
    chat = alice.start_chat(bob)
    view = window(alice)
    view.open_chat(chat)
    return view


def options(page: Page):
    return page.get_by_role("listbox", name="Emoji").get_by_role("option")


def test_keys_choose_an_emoji_and_enter_sends_only_without_the_list(hers):
    keyboard, box = hers.page.keyboard, hers.page.get_by_label("Message", exact=True)
    keyboard.type("I :hea")
    expect(options(hers.page)).to_have_count(6)
    expect(box).to_have_role("combobox")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options(hers.page).first).to_have_text("❤️red heart")
    keyboard.press("ArrowDown")
    second = hers.page.get_by_role("option", selected=True)
    expect(box).to_have_attribute("aria-activedescendant", second.get_attribute("id"))
    keyboard.press("ArrowUp")
    keyboard.press("Enter")

    expect(options(hers.page)).to_have_count(0)
    expect(hers.box).to_have_value("I ❤️")
    expect(hers.messages).to_have_count(0)

    keyboard.type(" :thumbs")
    expect(options(hers.page).first).to_contain_text("thumbs up")
    keyboard.press("Tab")
    expect(hers.box).to_have_value("I ❤️ 👍️")
    keyboard.press("Control+z")
    expect(box).to_have_value("I ❤️ :thumbs")
    keyboard.press("Control+Shift+z")
    expect(hers.box).to_have_value("I ❤️ 👍️")
    keyboard.press("Enter")
    hers.expect_messages("I ❤️ 👍️")


def test_escape_leaves_the_text_as_it_is_and_a_click_chooses(hers):
    keyboard = hers.page.keyboard
    keyboard.type(":hea")
    expect(options(hers.page)).to_have_count(6)
    keyboard.press("Escape")
    keyboard.type("rt")
    expect(options(hers.page)).to_have_count(0)
    keyboard.press("Enter")
    hers.expect_messages(":heart")

    keyboard.type(":tada")
    options(hers.page).click()
    keyboard.type("!")

    expect(hers.box).to_have_value("🎉!")


def test_input_method_and_other_colons_open_nothing(hers):
    asked = []
    hers.page.on("request", lambda request: asked.append(request.url))
    hers.page.keyboard.type("http://x:80 at 12:30 `:hea")
    hers.box.evaluate(COMPOSE)

    expect(options(hers.page)).to_have_count(0)
    assert [url for url in asked if url.endswith(".json")] == []


def test_german_readers_find_emoji_by_german_and_english_names(window, alice, bob):
    view = window(alice, locale="de", path=f"/chats/{alice.start_chat(bob)}")
    for typed in (":herz", ":heart"):
        view.page.get_by_label("Nachricht", exact=True).fill(typed)

        expect(options(view.page).filter(has_text="❤️rotes Herz")).to_be_visible()
