"""A browser page with shortcuts for what a user sees and does."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from playwright.sync_api import Error, Locator, Page, Route, expect

TIMEOUT_MS = 30_000
POLL_MS = 20
# Skips endless animations, and stops waiting after two seconds because the browser does not run
# animations that it does not draw.
ANIMATIONS_FINISHED = """() => {
  const ends = (animation) => animation.effect.getComputedTiming().endTime < Infinity;
  const moving = document.getAnimations().filter(ends).map((each) => each.finished.catch(() => 0));
  return Promise.race([Promise.all(moving), new Promise((settle) => setTimeout(settle, 2000))]);
}"""
touch = methodcaller("tap")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Window:
    def __init__(self, page: Page) -> None:
        self.page = page

    # Navigation

    def go(self, path: str) -> None:
        try:
            self.page.goto(path)
        except Error as error:
            if "ERR_ABORTED" not in str(error):
                raise
            # A menu that was just closed goes back in the history, which can cancel the first try.
            self.page.goto(path)

    def open_chat(self, conversation: str) -> None:
        self.go(f"/chats/{conversation}")
        expect(self.log).to_be_visible()

    def expect_path(self, path: str) -> None:
        expect(self.page).to_have_url(re.compile(rf"^http://[^/]+{path}$"))

    def expect_layer(self, *, is_open: bool = True) -> None:
        """Wait for the entry of menus and dialogs in the history, which follows what is shown."""
        layer = "Boolean(history.state?.layer)"
        self.wait_until(lambda: self.page.evaluate(layer) is is_open)

    # Content

    @property
    def rows(self) -> Locator:
        return self.page.get_by_role("navigation", name="Chats").get_by_role("listitem")

    @property
    def archive(self) -> Locator:
        """The heading that opens the archived chats."""
        return self.page.get_by_role("navigation", name="Chats").locator("summary")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def messages(self) -> Locator:
        return self.log.get_by_role("article")

    @property
    def banner(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    def link(self, words: str) -> Locator:
        return self.page.get_by_role("link", name=words)

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text)

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    def expect_unread(self, text: str, number: int) -> None:
        """Wait for this number in the badge of the row that contains `text`."""
        expect(self.row(text).get_by_text(str(number), exact=True)).to_be_visible()

    def expect_nothing_unread(self) -> None:
        expect(self.rows.get_by_title("Unread").filter(visible=True)).to_have_count(0)

    def expect_status(self, text: str, status: str) -> None:
        expect(self.message(text).get_by_text(status, exact=True)).to_be_visible()

    def expect_messages(self, *texts: str) -> None:
        """Wait until exactly these messages are shown, in this order."""
        expect(self.messages).to_contain_text(list(texts))

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Poll the condition while the page continues to run."""
        for _ in range(TIMEOUT_MS // POLL_MS):
            if condition():
                return
            self.page.wait_for_timeout(POLL_MS)
        raise AssertionError("the condition never became true")

    def wait_for_animations(self) -> None:
        self.page.evaluate(ANIMATIONS_FINISHED)

    # Actions

    def fill(self, **fields: str) -> None:
        """Fill the text boxes with these names; `_` in a name stands for a space."""
        for name, text in fields.items():
            box = self.page.get_by_role("textbox", name=name.replace("_", " "), exact=True)
            box.fill(text)

    def press(self, name: str, *, within: str = "") -> None:
        """Click the button, or the one in the section named `within`."""
        place = self.page.get_by_role("region", name=within) if within else self.page
        place.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def say(self, *texts: str) -> None:
        for text in texts:
            self.box.fill(text)
            self.box.press("Enter")

    def choose(self, text: str, act: str, *, role: Any = "menuitem") -> None:
        """Choose an entry from the menu of the message that contains `text`."""
        self.message(text).hover()
        self.message(text).get_by_role("button", name="More", exact=True).click()
        self.page.get_by_role(role, name=act).click()

    def delete(self, text: str) -> None:
        self.choose(text, "Delete for everyone")
        self.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    def log_out(self) -> None:
        self.page.get_by_role("link", name="Log out").filter(visible=True).click()
        self.page.get_by_role("button", name="Log out").click()

    def delay_requests(self, address: str) -> Callable[[], None]:
        """Hold requests to `address` back until the returned function is called."""
        held: list[Route] = []

        def release() -> None:
            self.wait_until(lambda: held)
            for route in held:
                route.continue_()
            self.page.unroute(address)

        self.page.route(address, lambda route: held.append(route))
        return release
