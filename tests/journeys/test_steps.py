"""From page to page: only the last step counts, and one that fails says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

BROKEN_OFF = ("htmx:afterRequest", "htmx:sendAbort")


def hold(view, chat):
    """Opening the chat takes long: until the answer is called, or it was broken off."""
    over = []

    def note(request):
        if request.url.endswith(f"/chats/{chat}"):
            over.append(request)

    for end in ("requestfinished", "requestfailed"):
        view.page.on(end, note)
    release = view.hold(f"**/chats/{chat}")

    def answer():
        release()
        view.wait_until(lambda: over)
        view.settle()

    return answer


def shows_chat_with(view, name):
    expect(view.page.get_by_role("heading", name=name)).to_be_visible()


def test_a_late_chat_does_not_come_between_oneself_and_the_next(
    window, alice, bob, carol, complaints
):
    complaints.expect(*BROKEN_OFF)
    bobs, carols = alice.start_chat(bob), alice.start_chat(carol)
    view = window(alice)
    answer = hold(view, bobs)
    view.row("Bob").get_by_role("link").dblclick()
    view.row("Carol").get_by_role("link").click()
    shows_chat_with(view, "Carol")
    view.box.press_sequentially("For Carol ")
    answer()

    view.page.keyboard.type("alone")
    expect(view.box).to_have_value("For Carol alone")
    shows_chat_with(view, "Carol")
    view.is_at(f"/chats/{carols}")


def test_two_quick_steps_back_end_at_the_second(window, alice, bob, carol):
    bobs, carols = alice.start_chat(bob), alice.start_chat(carol)
    view = window(alice)
    for name in ("Bob", "Carol"):
        view.row(name).get_by_role("link").click()
        shows_chat_with(view, name)
    view.follow("Alice Settings")
    view.is_at("/settings")
    answer = hold(view, carols)
    for chat in (carols, bobs):
        view.page.evaluate("history.back()")
        view.is_at(f"/chats/{chat}")
    shows_chat_with(view, "Bob")
    answer()

    shows_chat_with(view, "Bob")
    view.is_at(f"/chats/{bobs}")
