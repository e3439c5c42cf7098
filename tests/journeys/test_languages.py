"""Pages and live events are shown in the language of their reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys.test_attachments import photo

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


def test_live_photo_is_called_a_photo_in_the_reader_s_language(window, alice, bob):
    chat = alice.start_chat(bob)
    hers, his = window(alice, path=f"/chats/{chat}"), window(bob, locale="de-DE")
    with hers.page.expect_file_chooser() as chooser:
        hers.press("Attach")
    chooser.value.set_files(photo("beach.jpg"))
    hers.press("Send")
    expect(his.row("Alice").locator(".row__preview")).to_have_text("Foto")
    expect(his.row("Alice").locator(".row__attached")).to_be_visible()
    his.open_chat(chat)
    hers.messages.first.hover()
    hers.messages.first.get_by_role("button", name="Reply").click()
    hers.say("Warm, at last")

    quote = his.message("Warm, at last").get_by_role("link", name="Alice")
    expect(quote).to_contain_text("Foto")
    expect(hers.message("Warm, at last").get_by_role("link", name="You")).to_contain_text("Photo")
    expect(his.row("Alice").locator(".row__attached")).to_be_hidden()


def test_emoji_picker_is_translated(window, alice, bob):
    chat = alice.start_chat(bob)
    view = window(alice, locale="de-DE", path=f"/chats/{chat}")
    view.press("Emoji")
    picker = view.page.get_by_role("region", name="Emoji auswählen")
    picker.get_by_role("combobox", name="Suchen").fill("sonnenblume")
    picker.get_by_role("option", name="Sonnenblume").click()

    expect(view.page.get_by_role("textbox", name="Nachricht")).to_have_value("🌻")
