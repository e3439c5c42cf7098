"""The composer: keyboard focus, emoji, typing indicators, the length limit and unsent messages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import Person
from tests.journeys.windows import PHONE, Window, touch

pytestmark = pytest.mark.journey

SEND, DRAFT = "**/chats/*/messages", "**/draft"
PRESS = """(box, key) => box.dispatchEvent(
  new KeyboardEvent("keydown", { bubbles: true, cancelable: true, composed: true, ...key }))"""
COMPOSING = [{"isComposing": True}, {"keyCode": 229}]  # Safari's last key has only the code
SHOW_TYPING = """([conversation, names]) => {
  for (const [index, name] of names.entries()) {
    const news = document.createElement("live-typing");
    Object.assign(news.dataset, { conversation, user: `user-${index}`, active: "" });
    news.textContent = name;
    document.dispatchEvent(new CustomEvent("live-typing", { detail: news }));
  }
}"""


@pytest.fixture
def chat(alice: Person, bob: Person) -> str:
    chat = alice.start_chat(bob)
    bob.say(chat, *(f"Message {number}" for number in range(40)))
    return chat


@pytest.fixture
def hers(window, alice, chat) -> Window:
    alice.read_all(chat)
    view = window(alice)
    view.open_chat(chat)
    return view


def types(view: Window, text: str) -> None:
    """Type at the current focus."""
    view.page.keyboard.type(text)


# --- Focus ---------------------------------------------------------------------------------------


def test_typing_after_a_click_anywhere_in_the_chat_fills_the_message_box(hers):
    hers.message("Message 39").click()
    types(hers, "a")
    hers.message("Message 39").hover()
    hers.press("More")
    hers.page.get_by_role("menuitemcheckbox", name="👍").click()
    expect(hers.messages.get_by_role("button", name="👍 1")).to_be_visible()
    types(hers, "b")
    hers.press("👍 1")
    types(hers, "c")
    hers.press("Emoji")
    expect(hers.page.get_by_role("tabpanel")).to_be_visible()
    hers.page.keyboard.press("Escape")
    types(hers, "d")
    hers.log.evaluate("log => log.scrollTo(0, 0)")
    hers.press("Scroll to latest")
    expect(hers.message("Message 39")).to_be_in_viewport()
    types(hers, "e")
    hers.page.evaluate("document.activeElement.blur()")
    types(hers, "f")

    expect(hers.box).to_have_value("abcdef")


def test_shortcuts_and_keys_in_menus_and_dialogs_do_not_fill_the_message_box(hers):
    hers.message("Message 39").click()
    for key in ("Control+b", "Alt+b", "Meta+b", "Tab", "F2", "Shift+Tab"):
        hers.page.keyboard.press(key)
    hers.page.get_by_label("Chat menu").click()
    types(hers, "x")
    hers.page.keyboard.press("Escape")
    hers.choose("Message 39", "Info")
    expect(hers.page.get_by_role("dialog")).to_be_visible()
    types(hers, "x")

    expect(hers.box).to_have_value("")


def test_history_has_a_focus_ring_for_the_keyboard_only(hers):
    outline = "log => getComputedStyle(log).outlineStyle"
    hers.log.click(position={"x": 5, "y": 5})
    hers.page.keyboard.press("PageUp")
    expect(hers.log).to_be_focused()
    assert hers.log.evaluate(outline) == "none"
    hers.page.keyboard.press("Tab")
    hers.page.keyboard.press("Shift+Tab")

    expect(hers.log).to_be_focused()
    assert hers.log.evaluate(outline) != "none"


@pytest.mark.parametrize("mark", COMPOSING)
def test_keys_of_an_input_method_have_no_other_effect(hers, chat, mark):
    hers.box.fill("東京")
    for key in ("Enter", "Escape", "ArrowUp"):
        hers.box.evaluate(PRESS, {"key": key, **mark})
    hers.fill(Search="Bob")
    search = hers.page.get_by_role("textbox", name="Search")
    for key in ("Enter", "Escape", "ArrowDown"):
        search.evaluate(PRESS, {"key": key, **mark})
    expect(search).to_have_value("Bob")
    expect(search).to_be_focused()
    hers.page.get_by_label("Chat menu").click()
    hers.page.get_by_role("link", name="Info").evaluate(PRESS, {"key": "Escape", **mark})
    expect(hers.page.get_by_role("link", name="Info")).to_be_visible()
    hers.page.keyboard.press("Escape")
    expect(hers.box).to_have_value("東京")
    expect(hers.message("東京")).to_have_count(0)
    hers.box.press("Enter")

    hers.expect_status("東京", "Sent")


# --- Emoji picker, menus and dialogs -------------------------------------------------------------


def test_emoji_picker_is_below_the_message_box_on_a_phone(window, alice, chat):
    alice.read_all(chat)
    view = window(alice, path=f"/chats/{chat}", **PHONE)
    view.box.fill("Hi ")
    touch(view.page.get_by_role("button", name="Emoji"))
    panel = view.page.get_by_role("tabpanel")
    expect(panel).to_be_visible()
    assert view.box.bounding_box()["y"] < panel.bounding_box()["y"]
    expect(view.message("Message 39")).to_be_in_viewport()
    for _ in range(2):
        touch(view.page.get_by_role("menuitem").first)
    expect(view.box).to_have_value(re.compile("^Hi .+"))
    for _ in range(2):
        touch(view.page.get_by_role("button", name="Backspace"))
    expect(view.box).to_have_value("Hi ")
    touch(view.page.get_by_role("button", name="Close"))
    expect(panel).to_be_hidden()
    view.expect_layer(is_open=False)
    touch(view.page.get_by_role("button", name="Emoji"))
    expect(panel).to_be_visible()
    view.expect_layer()
    view.page.go_back()

    expect(panel).to_be_hidden()
    expect(view.box).to_have_value("Hi ")


@pytest.mark.parametrize("device", [{}, PHONE])
def test_back_button_closes_menus_and_dialogs_before_the_chat(window, alice, chat, device):
    alice.read_all(chat)
    view = window(alice, **device)
    view.row("Bob").get_by_role("link").click()
    expect(view.message("Message 39")).to_be_visible()
    view.page.get_by_label("Chat menu").click()
    info = view.page.get_by_role("link", name="Info")
    expect(info).to_be_visible()
    view.expect_layer()
    view.page.go_back()
    expect(info).to_be_hidden()
    view.message("Message 39").evaluate("message => (message.tabIndex = -1, message.focus())")
    view.page.keyboard.press("Enter")
    menu = view.page.get_by_role("menu", name="Actions")
    expect(menu).to_be_visible()
    view.page.go_back()
    expect(menu).to_be_hidden()
    view.page.keyboard.press("Enter")
    show_dialog = view.delay_requests("**/info")
    menu.get_by_role("menuitem", name="Info").click()
    view.expect_layer(is_open=False)
    show_dialog()
    dialog = view.page.get_by_role("dialog", name="Message info")
    expect(dialog).to_be_visible()
    view.expect_layer()
    view.page.go_back()
    expect(dialog).to_be_hidden()
    view.expect_path(f"/chats/{chat}")
    expect(view.message("Message 39")).to_be_visible()
    view.page.go_back()

    view.expect_path("/")


def test_closed_dialogs_and_menus_leave_no_history_entry(window, alice, chat):
    alice.read_all(chat)
    view = window(alice)
    view.row("Bob").get_by_role("link").click()
    view.choose("Message 39", "Info")
    dialog = view.page.get_by_role("dialog", name="Message info")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    view.page.get_by_label("Chat menu").click()
    view.page.get_by_role("link", name="Info").click()
    view.expect_path(f"/chats/{chat}/info")
    view.page.go_back()
    view.expect_path(f"/chats/{chat}")
    expect(view.message("Message 39")).to_be_visible()
    view.page.go_back()

    view.expect_path("/")


def test_dialog_focuses_a_harmless_control_and_returns_the_focus(hers):
    hers.say("Mine")
    hers.expect_status("Mine", "Sent")
    hers.choose("Mine", "Delete for everyone")
    dialog = hers.page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    hers.page.keyboard.press("Escape")
    expect(hers.box).to_be_focused()
    hers.choose("Message 39", "Report…")
    expect(dialog.locator(":is(select, textarea, input:not([type=hidden]))").first).to_be_focused()
    dialog.get_by_role("button", name="Close").click()

    expect(dialog).to_be_hidden()
    expect(hers.box).to_be_focused()


def test_emoji_picker_sends_requests_to_this_server_only(hers):
    asked = []
    hers.page.on("request", lambda request: asked.append(request.url))
    release = hers.delay_requests("**/en.*json")
    hers.press("Emoji")
    hers.wait_until(lambda: any(".json" in url for url in asked))
    hers.page.get_by_role("complementary").get_by_role("link", name="New chat").click()
    hers.expect_path("/chats/new")
    hers.page.go_back()
    expect(hers.message("Message 39")).to_be_visible()
    release()

    origin = hers.page.evaluate("location.origin")
    assert [url for url in asked if not url.startswith(origin)] == []


# --- Typing indicator ----------------------------------------------------------------------------

WORDS = {
    "en-GB": ["Mia is typing…", "Mia and Noah are typing…", "3 people are typing…", "typing…"],
    "de-DE": ["Mia schreibt …", "Mia und Noah schreiben …", "3 Personen schreiben …", "schreibt …"],
}


@pytest.mark.parametrize("locale", WORDS)
def test_typing_indicator_names_up_to_two_people(window, alice, bob, carol, locale):
    group, direct = alice.start_group("Garden", bob, carol), alice.start_chat(bob)
    view = window(alice, path=f"/chats/{group}", locale=locale)
    line = view.page.locator("typing-line")
    for number, words in enumerate(WORDS[locale][:3], start=1):
        view.page.evaluate(SHOW_TYPING, [group, ["Mia", "Noah", "Zoë"][:number]])
        expect(line).to_have_text(words)
    view.open_chat(direct)
    view.page.evaluate(SHOW_TYPING, [direct, ["Bob"]])

    expect(line).to_have_text(WORDS[locale][3])


def test_typing_indicator_shows_special_characters_and_is_announced_once(window, alice, bob, carol):
    group = alice.start_group("Garden", bob, carol)
    view = window(alice, path=f"/chats/{group}")
    announced = view.page.locator("#typing-announced")
    changes = "document.getElementById('typing-announced').changes"
    announced.evaluate(
        """line => {
          line.changes = 0;
          new MutationObserver(() => line.changes++).observe(line, { childList: true });
        }"""
    )
    for _ in range(3):
        view.page.evaluate(SHOW_TYPING, [group, ["A$$AP $& Co"]])
        expect(announced).to_have_text("A$$AP $& Co is typing…")

    assert view.page.evaluate(changes) == 1


# --- Length limit --------------------------------------------------------------------------------


def test_too_long_text_is_reported_while_typing_and_when_sending(hers):
    toast = hers.page.locator("toast-line")
    hers.box.fill("x" * 4559)
    error = "463 characters too many (limit 4,096)"
    expect(toast).to_have_text(error)
    expect(hers.box).to_have_accessible_description(error)
    send_button = hers.page.get_by_role("button", name="Send")
    for send in (lambda: hers.box.press("Enter"), lambda: send_button.click(force=True)):
        toast.evaluate("line => (line.textContent = '')")
        send()
        expect(toast).to_have_text(error)
    hers.box.fill("x" * 4096)
    hers.box.press("Enter")

    expect(hers.box).to_have_value("")


# --- Drafts and unsent messages ------------------------------------------------------------------


def test_sent_message_does_not_reappear_as_a_draft(hers, alice, chat):
    release = hers.delay_requests(DRAFT)
    with hers.page.expect_request(DRAFT):
        hers.box.press_sequentially("Hello draft")
    hers.page.keyboard.press("Enter")
    hers.expect_status("Hello draft", "Sent")
    with hers.page.expect_response(
        lambda answer: answer.url.endswith("/draft") and answer.request.post_data == "text="
    ):
        release()

    expect(hers.box).to_have_value("")
    expect(hers.link("Draft:")).to_have_count(0)
    hers.page.reload()
    expect(hers.message("Hello draft")).to_be_visible()
    expect(hers.box).to_have_value("")


def test_draft_that_was_saved_during_a_reload_is_shown_after_it(hers, browser_errors):
    browser_errors.expect("WebSocket connection to")  # not from a document that a test delivers
    hers.box.fill("Half")
    hers.page.wait_for_event("response", lambda answer: answer.url.endswith("/draft"))
    answers = []
    hers.page.route(hers.page.url, lambda route: answers.append((route, route.fetch())))
    with hers.page.expect_response(DRAFT):
        hers.box.fill("Half a sentence")
        hers.page.evaluate("() => location.reload()")
        hers.wait_until(lambda: answers)
    [(route, answer)] = answers
    with hers.page.expect_navigation():
        route.fulfill(response=answer)

    expect(hers.box).to_have_value("Half a sentence")


def test_sent_message_does_not_reappear_as_a_draft_after_reopening_the_chat(hers, alice, carol):
    carol.say(carol.start_chat(alice), "Hi")
    release = hers.delay_requests(DRAFT)
    with hers.page.expect_request(DRAFT):
        hers.box.press_sequentially("Hello draft")
    for name in ("Carol", "Bob"):
        hers.row(name).get_by_role("link").click()
        expect(hers.page.get_by_role("main").get_by_role("heading", name=name)).to_be_visible()
    expect(hers.box).to_have_value("Hello draft")
    hers.box.press("Enter")
    hers.expect_status("Hello draft", "Sent")
    with hers.page.expect_response(
        lambda answer: answer.url.endswith("/draft") and answer.request.post_data == "text="
    ):
        release()
    hers.page.reload()

    expect(hers.message("Hello draft")).to_be_visible()
    expect(hers.box).to_have_value("")


@pytest.fixture
def pending_tab(hers, browser_errors) -> Window:
    """A tab with a message that could not be sent yet."""
    browser_errors.expect("ERR_FAILED")
    hers.page.route(SEND, lambda route: route.abort())
    hers.say("Waiting")
    hers.expect_status("Waiting", "Sending…")
    return hers


def test_pending_message_is_sent_by_a_new_tab_after_its_tab_was_closed(pending_tab, chat):
    context = pending_tab.page.context
    with pending_tab.page.expect_event("dialog") as asked:
        pending_tab.page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    other = Window(context.new_page())
    other.open_chat(chat)

    other.expect_status("Waiting", "Sent")
    expect(other.message("Waiting")).to_have_count(1)


def test_pending_message_is_sent_by_another_open_tab_after_its_tab_was_closed(
    pending_tab, chat, browser_errors
):
    other = Window(pending_tab.page.context.new_page())
    sent = []
    other.page.on("request", lambda request: sent.append(request.method))
    other.open_chat(chat)
    other.expect_status("Waiting", "Sending…")
    assert "POST" not in sent  # the first tab sends it as long as it is open
    pending_tab.page.close()

    other.expect_status("Waiting", "Sent")
    expect(other.message("Waiting")).to_have_count(1)


def test_logging_out_asks_before_discarding_pending_messages(pending_tab, browser_errors):
    pending_tab.page.once("dialog", lambda dialog: None)
    pending_tab.log_out()
    pending_tab.wait_until(
        lambda: any("not been sent yet" in text for text in browser_errors.found)
    )
    expect(pending_tab.message("Waiting")).to_be_visible()
    browser_errors.expect("not been sent yet")
    pending_tab.press("Log out")

    pending_tab.expect_path("/login")
    assert "Waiting" not in pending_tab.page.evaluate(
        "JSON.stringify([localStorage, sessionStorage])"
    )
