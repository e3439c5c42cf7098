"""Pages and live events are shown in the language of their reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def group(alice, bob, carol) -> str:
    return alice.start_group("Garden", bob, carol)


def test_live_events_are_shown_in_the_reader_s_language(window, alice, bob, carol, dave, group):
    hers, his = window(alice, path=f"/chats/{group}"), window(bob, locale="de-DE")
    his.open_chat(group)
    his.fill(Nachricht="Wer bringt Brot?")
    his.page.keyboard.press("Enter")
    expect(his.message("Brot").get_by_text("Gesendet", exact=True)).to_be_visible()
    carol.read_all(group)
    expect(his.message("Brot").get_by_text("Gelesen", exact=True)).to_be_visible()
    alice.say(group, "Me", "Nonsense")
    hers.choose("Me", "Edit")
    hers.say("I do")
    expect(hers.message("I do")).to_contain_text("Edited")
    hers.delete("Nonsense")
    alice.add(group, dave)

    hers.expect_messages(
        "You created", "Brot", "I do", "This message was deleted", "You added Dave"
    )
    his.expect_messages(
        "Alice hat", "Brot", "I do", "Diese Nachricht wurde gelöscht", "Alice hat Dave"
    )
    expect(his.message("I do")).to_contain_text("Bearbeitet")
    expect(his.rows.first).to_contain_text("Alice hat Dave hinzugefügt")
    live = his.messages.all_inner_texts()
    his.page.reload()
    expect(his.messages).to_have_count(len(live))
    assert his.messages.all_inner_texts() == live


def test_emoji_picker_is_translated(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, locale="de-DE", path=f"/chats/{chat}")
    view.press("Emoji")
    picker = view.page.get_by_role("region", name="Emoji auswählen")
    picker.get_by_role("combobox", name="Suchen").fill("sonnenblume")
    picker.get_by_role("option", name="Sonnenblume").click()

    expect(view.page.get_by_role("textbox", name="Nachricht")).to_have_value("🌻")
