"""Every page passes the serious and critical rules of axe, and controls have enough contrast."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.windows import PHONE

pytestmark = pytest.mark.journey

IMPACTS = ("serious", "critical")
LOOKS = {
    "light on a desktop": {"color_scheme": "light"},
    "dark on a phone": {"color_scheme": "dark", **PHONE},
}
OPEN_MENU = """() => {
  const messages = [...document.querySelectorAll("[role=log] article[data-sender]")];
  const message = messages.filter(({ dataset }) => dataset.sender === document.body.dataset.user).at(-1);
  message.tabIndex = -1;
  message.focus();
}"""


# Returns the contrast of each text field's border with its surroundings.
BORDER_CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const pixel = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => rgb.slice(0, 3)
    .map((value) => value / 255)
    .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const around = (element) => {
    const colour = pixel(getComputedStyle(element).backgroundColor);
    return colour[3] === 255 || !element.parentElement ? colour : around(element.parentElement);
  };
  const contrast = (field) => {
    const edge = pixel(getComputedStyle(field).borderBlockStartColor);
    const [dark, light] = [edge, around(field.parentElement)].map(luminance).toSorted();
    return edge[3] === 255 ? (light + 0.05) / (dark + 0.05) : 1;
  };
  const fields = "input:not([type=checkbox], [type=hidden]), textarea, select";
  const shown = [...document.querySelectorAll(fields)].filter((field) => field.checkVisibility());
  document.activeElement.blur();
  return shown.map((field) => [field.name, contrast(field)]);
}"""
LEAST_CONTRAST = 3  # WCAG 1.4.11, between a control and its surroundings
TINT = """quotes => quotes.forEach((quote, tint) => (quote.className = `message__quote tint-${tint}`))"""
TINTS = 8


@pytest.fixture(params=LOOKS)
def look(request):
    return LOOKS[request.param]


@pytest.fixture
def busy(alice, bob, carol, dave) -> dict[str, str]:
    """A group and a direct chat with links, emoji and unread messages."""
    group, chat = alice.start_group("Garden", bob, carol), bob.start_chat(alice)
    bob.say(group, "Look: https://example.org/tomatoes", "🍅")
    alice.say(group, "Nice", "Oops")
    bob.say(chat, "Hello", "Are you there?")
    return {"group": group, "chat": chat}


@pytest.fixture
def assert_accessible():
    axe = Axe()

    def check(view, state):
        view.wait_for_animations()
        answer = axe.run(view.page, options={"resultTypes": ["violations"]})
        found = [
            f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
            for violation in answer.response["violations"]
            if violation["impact"] in IMPACTS
            for node in violation["nodes"]
        ]
        assert not found, "\n".join([state, *found])

    return check


def test_pages_without_login_and_without_chats_are_accessible(
    window, carol, look, browser_errors, assert_accessible
):
    browser_errors.expect("404", "422")
    stranger, newcomer = window(**look), window(carol, **look)

    for path in ("/login", "/register", "/password-reset", "/nowhere"):
        stranger.go(path)
        assert_accessible(stranger, path)
    stranger.go("/login")
    stranger.fill(Username_or_email="nobody", Password="wrong")
    stranger.press("Log in")
    expect(stranger.page.get_by_text("Incorrect username or password")).to_be_visible()
    assert_accessible(stranger, "a login that failed")
    assert_accessible(newcomer, "no chats yet")


def test_pages_of_a_user_with_chats_are_accessible(window, alice, busy, look, assert_accessible):
    view = window(alice, **look)
    group, chat = busy["group"], busy["chat"]

    for path in (
        *("/", f"/chats/{chat}", f"/chats/{group}", f"/chats/{chat}/info", f"/chats/{group}/info"),
        *("/chats/new?search=bob_", "/chats/new/group?search=bob_&members=" + alice.username),
        *("/people?search=bob_", "/settings", "/shortcuts", "/search?q=tomatoes"),
    ):
        view.go(path)
        for disclosure in view.page.locator("main details:not(.menu) > summary").all():
            disclosure.press("Enter")
        assert_accessible(view, path)


def test_links_and_quotes_have_enough_contrast_in_every_colour(
    window, alice, bob, look, assert_accessible
):
    chat = bob.start_chat(alice)
    asked = bob.say(chat, "Where?")
    for _ in range(TINTS):
        alice.say(chat, "Here: https://example.org/tomatoes", reply_to=asked)
    view = window(alice, path=f"/chats/{chat}", **look)
    view.page.locator(".message__quote").evaluate_all(TINT)

    assert_accessible(view, "own replies in all colours")


def test_menus_dialogs_and_the_emoji_picker_of_a_chat_are_accessible(
    window, alice, busy, look, assert_accessible
):
    view = window(alice, path=f"/chats/{busy['group']}", **look)
    keys = view.page.keyboard

    def open_menu():
        view.page.evaluate(OPEN_MENU)
        keys.press("Enter")
        expect(view.page.get_by_role("menu", name="Actions")).to_be_visible()

    open_menu()
    assert_accessible(view, "the menu of a message")
    view.page.get_by_role("menuitemcheckbox", name="👍").click()
    expect(view.messages.get_by_role("button", name="👍 1")).to_be_visible()
    open_menu()
    view.page.get_by_role("menuitem", name="Reply").click()
    assert_accessible(view, "a reply and a reaction")
    keys.press("Escape")
    for item in ("Info", "Delete for everyone"):
        open_menu()
        view.page.get_by_role("menuitem", name=item).click()
        expect(view.page.get_by_role("dialog")).to_be_visible()
        assert_accessible(view, item)
        keys.press("Escape")
    view.press("Emoji")
    expect(view.page.get_by_role("tabpanel")).to_be_visible()
    assert_accessible(view, "the emoji picker")
    keys.press("Escape")
    view.page.get_by_label("Chat menu").click()
    assert_accessible(view, "the menu of a chat")


def assert_borders_are_visible(view):
    view.wait_for_animations()
    contrasts = dict(view.page.evaluate(BORDER_CONTRASTS))
    assert contrasts
    assert {name: value for name, value in contrasts.items() if value < LEAST_CONTRAST} == {}


def test_text_fields_have_a_visible_border(window, alice, bob, carol, look):
    group = alice.start_group("Garden", bob, carol)
    bob.say(group, "Buy my tomatoes")
    view = window(alice, **look)
    for path in ("/", "/settings", f"/chats/{group}", "/search?q=x&sender=bob", "/chats/new/group"):
        view.go(path)
        assert_borders_are_visible(view)
    view.go(f"/chats/{group}")
    view.message("tomatoes").evaluate("message => { message.tabIndex = -1; message.focus(); }")
    view.page.keyboard.press("Enter")
    view.page.get_by_role("menuitem", name="Report").click()
    expect(view.page.get_by_role("dialog")).to_be_visible()
    assert_borders_are_visible(view)
    stranger = window(path="/register", **look)
    assert_borders_are_visible(stranger)


def test_api_documentation_and_browsable_api_are_accessible(window, alice, bob, look):
    axe, view = Axe(), window(alice, **look)
    alice.start_chat(bob)
    rules = ["html-has-lang", "button-name", "document-title", "landmark-no-duplicate-main"]
    rules += ["landmark-one-main", "link-name"]
    options = {"runOnly": {"type": "rule", "values": rules}}
    for path, words in (
        ("/docs", "Send a message"),
        ("/users/me", "DELETE"),
        ("/conversations", "POST"),
    ):
        view.go(path)
        expect(view.page.get_by_text(words, exact=True).first).to_be_visible()
        assert axe.run(view.page, options=options).response["violations"] == [], path
        expect(view.page).to_have_title(re.compile("ChatFlow"))
