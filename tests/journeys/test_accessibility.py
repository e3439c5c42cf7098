"""Nobody is kept out by how a page is made: axe finds nothing serious on any of them."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.windows import PHONE

pytestmark = pytest.mark.journey

GRAVE = ("serious", "critical")
LOOKS = {
    "light at a desk": {"color_scheme": "light"},
    "dark on a phone": {"color_scheme": "dark", **PHONE},
}
OPEN_MENU = """() => {
  const messages = [...document.querySelectorAll("[role=log] article[data-sender]")];
  const message = messages.filter(({ dataset }) => dataset.sender === document.body.dataset.user).at(-1);
  message.tabIndex = -1;
  message.focus();
}"""


# Of each text field: the contrast of its border with what is around it.
EDGES = """() => {
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
LEAST_CONTRAST = 3  # of what tells a control from what is around it: WCAG 1.4.11
TINT = """quotes => quotes.forEach((quote, tint) => (quote.className = `message__quote tint-${tint}`))"""
TINTS = 8


@pytest.fixture(params=LOOKS)
def look(request):
    return LOOKS[request.param]


@pytest.fixture
def busy(alice, bob, carol, dave) -> dict[str, str]:
    """Chats with a bit of everything; Dave is blocked, Carol has not been answered."""
    group, chat = alice.start_group("Garden", bob, carol), bob.start_chat(alice)
    bob.say(group, "Look: https://example.org/tomatoes", "🍅")
    alice.say(group, "Nice", "Oops")
    bob.say(chat, "Hello", "Are you there?")
    return {"group": group, "chat": chat}


@pytest.fixture
def assert_open_to_all():
    axe = Axe()

    def check(view, state):
        view.wait_for_animations()
        answer = axe.run(view.page, options={"resultTypes": ["violations"]})
        found = [
            f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
            for violation in answer.response["violations"]
            if violation["impact"] in GRAVE
            for node in violation["nodes"]
        ]
        assert not found, "\n".join([state, *found])

    return check


def test_pages_of_strangers_and_newcomers(window, carol, look, browser_errors, assert_open_to_all):
    browser_errors.expect("404", "422")
    stranger, newcomer = window(**look), window(carol, **look)

    for path in ("/login", "/register", "/password-reset", "/nowhere"):
        stranger.go(path)
        assert_open_to_all(stranger, path)
    stranger.go("/login")
    stranger.fill(Username_or_email="nobody", Password="wrong")
    stranger.press("Log in")
    expect(stranger.page.get_by_text("Incorrect username or password")).to_be_visible()
    assert_open_to_all(stranger, "a login that failed")
    assert_open_to_all(newcomer, "no chats yet")


def test_pages_of_somebody_busy(window, alice, busy, look, assert_open_to_all):
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
        assert_open_to_all(view, path)


def test_what_one_answers_and_links_to_can_be_read(window, alice, bob, look, assert_open_to_all):
    chat = bob.start_chat(alice)
    asked = bob.say(chat, "Where?")
    for _ in range(TINTS):
        alice.say(chat, "Here: https://example.org/tomatoes", reply_to=asked)
    view = window(alice, path=f"/chats/{chat}", **look)
    view.page.locator(".message__quote").evaluate_all(TINT)

    assert_open_to_all(view, "one's own answers, to whomever")


def test_what_opens_over_a_chat(window, alice, busy, look, assert_open_to_all):
    view = window(alice, path=f"/chats/{busy['group']}", **look)
    keys = view.page.keyboard

    def open_menu():
        view.page.evaluate(OPEN_MENU)
        keys.press("Enter")
        expect(view.page.get_by_role("menu", name="Actions")).to_be_visible()

    open_menu()
    assert_open_to_all(view, "the menu of a message")
    view.page.get_by_role("menuitemcheckbox", name="👍").click()
    expect(view.messages.get_by_role("button", name="👍 1")).to_be_visible()
    open_menu()
    view.page.get_by_role("menuitem", name="Reply").click()
    assert_open_to_all(view, "a reply and a reaction")
    keys.press("Escape")
    for item in ("Info", "Delete for everyone"):
        open_menu()
        view.page.get_by_role("menuitem", name=item).click()
        expect(view.page.get_by_role("dialog")).to_be_visible()
        assert_open_to_all(view, item)
        keys.press("Escape")
    view.press("Emoji")
    expect(view.page.get_by_role("tabpanel")).to_be_visible()
    assert_open_to_all(view, "the emoji picker")
    keys.press("Escape")
    view.page.get_by_label("Chat menu").click()
    assert_open_to_all(view, "the menu of a chat")


def assert_edges_are_seen(view):
    view.wait_for_animations()
    edges = dict(view.page.evaluate(EDGES))
    assert edges
    assert {name: edge for name, edge in edges.items() if edge < LEAST_CONTRAST} == {}


def test_text_fields_have_an_edge_that_can_be_seen(window, alice, bob, carol, look):
    group = alice.start_group("Garden", bob, carol)
    bob.say(group, "Buy my tomatoes")
    view = window(alice, **look)
    for path in ("/", "/settings", f"/chats/{group}", "/search?q=x&sender=bob", "/chats/new/group"):
        view.go(path)
        assert_edges_are_seen(view)
    view.go(f"/chats/{group}")
    view.message("tomatoes").evaluate("message => { message.tabIndex = -1; message.focus(); }")
    view.page.keyboard.press("Enter")
    view.page.get_by_role("menuitem", name="Report").click()
    expect(view.page.get_by_role("dialog")).to_be_visible()
    assert_edges_are_seen(view)
    stranger = window(path="/register", **look)
    assert_edges_are_seen(stranger)


def test_the_documents_and_the_browsable_api_name_their_language_and_buttons(
    window, alice, bob, look
):
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
