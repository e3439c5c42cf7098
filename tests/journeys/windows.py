"""A page in a browser, spoken of as people do."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from playwright.sync_api import Error, Locator, Page, Route, expect

PATIENCE_MS = 30_000
STEP_MS = 20
# Pictures that never stop moving are not waited for, nor those that the browser does not draw.
ALL_HAS_COME_IN = """() => {
  const ends = (animation) => animation.effect.getComputedTiming().endTime < Infinity;
  const moving = document.getAnimations().filter(ends).map((each) => each.finished.catch(() => 0));
  return Promise.race([Promise.all(moving), new Promise((settle) => setTimeout(settle, 2000))]);
}"""
touch = methodcaller("tap")  # touch(locator), on a screen that is touched
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Window:
    def __init__(self, page: Page) -> None:
        self.page = page

    # where one is

    def go(self, path: str) -> None:
        try:
            self.page.goto(path)
        except Error as error:
            if "ERR_ABORTED" not in str(error):
                raise
            self.page.goto(path)  # a menu was just closed, and the step back for it came between

    def open_chat(self, conversation: str) -> None:
        self.go(f"/chats/{conversation}")
        expect(self.log).to_be_visible()

    def is_at(self, path: str) -> None:
        expect(self.page).to_have_url(re.compile(rf"^http://[^/]+{path}$"))

    # what one sees

    @property
    def rows(self) -> Locator:
        return self.page.get_by_role("navigation", name="Chats").get_by_role("listitem")

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

    def unread(self, text: str, number: int) -> None:
        """The badge of the row that says `text`."""
        expect(self.row(text).get_by_text(str(number), exact=True)).to_be_visible()

    def nothing_unread(self) -> None:
        expect(self.rows.get_by_title("Unread").filter(visible=True)).to_have_count(0)

    def ticks(self, text: str, status: str) -> None:
        expect(self.message(text).get_by_text(status, exact=True)).to_be_visible()

    def shows(self, *texts: str) -> None:
        """These messages, each once, in this order, and no other."""
        expect(self.messages).to_contain_text(list(texts))

    def wait_until(self, condition: Callable[[], object]) -> None:
        """For what only the test can see; meanwhile the page goes on."""
        for _ in range(PATIENCE_MS // STEP_MS):
            if condition():
                return
            self.page.wait_for_timeout(STEP_MS)
        raise AssertionError("it never came true")

    def settle(self) -> None:
        """Until what comes in has come in."""
        self.page.evaluate(ALL_HAS_COME_IN)

    # what one does

    def fill(self, **fields: str) -> None:
        """fill(Username="alice") writes into the box of that name; `_` stands for a space."""
        for name, text in fields.items():
            box = self.page.get_by_role("textbox", name=name.replace("_", " "), exact=True)
            box.fill(text)

    def press(self, name: str, *, within: str = "") -> None:
        """The button of that name; `within` the section of that one, where a page has several."""
        place = self.page.get_by_role("region", name=within) if within else self.page
        place.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def say(self, *texts: str) -> None:
        for text in texts:
            self.box.fill(text)
            self.box.press("Enter")

    def choose(self, text: str, act: str, *, role: Any = "menuitem") -> None:
        """From the menu of the message that says `text`."""
        self.message(text).hover()
        self.message(text).get_by_role("button", name="More", exact=True).click()
        self.page.get_by_role(role, name=act).click()

    def delete(self, text: str) -> None:
        self.choose(text, "Delete for everyone")
        self.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    def log_out(self) -> None:
        self.page.get_by_role("link", name="Log out").filter(visible=True).click()
        self.page.get_by_role("button", name="Log out").click()

    def hold(self, address: str) -> Callable[[], None]:
        """What is asked of `address` waits until the answer is called."""
        held: list[Route] = []

        def release() -> None:
            self.wait_until(lambda: held)
            for route in held:
                route.continue_()
            self.page.unroute(address)

        self.page.route(address, lambda route: held.append(route))
        return release
