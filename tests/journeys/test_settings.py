"""Profile, photo, password, theme and privacy settings."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.journeys.accounts import PASSWORD

pytestmark = pytest.mark.journey


LONGEST_NAME = "Alexandrina".ljust(60, "a")


def picture(colour: str) -> dict[str, object]:
    stream = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(stream, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": stream.getvalue()}


def test_new_name_and_about_text_are_shown_to_others(window, alice, bob):
    chat = alice.start_chat(bob)
    alice.say(chat, "Hello")
    view = window(alice)
    view.follow("Alice Settings")
    view.fill(Name="Alice Liddell", About="Down the garden path")
    view.press("Save", within="Profile")

    expect(view.page.get_by_text("Saved.")).to_be_visible()
    expect(view.link("Alice Liddell Settings")).to_be_visible()
    his = window(bob, path=f"/chats/{chat}/info")
    expect(his.page.get_by_role("heading", name="Alice Liddell")).to_be_visible()
    expect(his.page.get_by_text("Down the garden path")).to_be_visible()
    expect(his.row("Alice Liddell")).to_be_visible()


def test_long_name_in_the_sidebar_does_not_overlap_the_button(window, alice):
    alice.set_display_name(LONGEST_NAME)
    view = window(alice)

    name = view.page.get_by_role("complementary").get_by_text(LONGEST_NAME).bounding_box()
    button = view.page.get_by_role("link", name="Log out").bounding_box()
    assert name["x"] + name["width"] <= button["x"]


def test_photo_is_shown_to_others_until_it_is_removed(window, alice, bob):
    alice.say(alice.start_chat(bob), "Look at me")
    view = window(alice, path="/settings")
    view.page.get_by_label("Photo").set_input_files(picture("teal"))

    expect(view.page.get_by_text("Photo updated")).to_be_visible()
    his = window(bob)
    for shown in (view.page.get_by_role("main").locator("img"), his.row("Alice").locator("img")):
        expect(shown).to_have_js_property("naturalWidth", 512)
    view.press("Remove photo")
    expect(view.page.get_by_text("Photo removed")).to_be_visible()
    expect(view.page.locator("img:visible")).to_have_count(0)


def test_invalid_photo_is_refused_with_a_reason(window, alice, browser_errors):
    browser_errors.expect("422")
    view = window(alice, path="/settings")
    text = {"name": "me.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}
    view.page.get_by_label("Photo").set_input_files(text)

    expect(view.page.get_by_text("This file is not a valid PNG")).to_be_visible()


def test_new_password_logs_out_other_devices(window, alice, browser_errors):
    browser_errors.expect("422")
    view, other = window(alice, path="/settings"), window(alice, device=1)
    view.fill(Current_password="not it", New_password="a much longer password")
    view.press("Change")
    expect(view.page.get_by_text("Incorrect password.")).to_be_visible()
    view.fill(Current_password=PASSWORD, New_password="a much longer password")
    view.press("Change")

    expect(
        view.page.get_by_text("Password changed. All other devices have been logged out.")
    ).to_be_visible()
    other.expect_path("/login")
    other.fill(Username_or_email=alice.username, Password="a much longer password")
    other.press("Log in")
    other.expect_path("/")


def brightness(view):
    shade = view.page.evaluate(
        "getComputedStyle(document.body.querySelector('.sidebar')).backgroundColor"
    )
    return sum(int(part) for part in shade.strip("rgb()").split(", ")) / 3


def wait_until_light(view, *, is_light=True):
    """Poll, because the stylesheet of the other theme may have to be loaded first.

    Playwright's `wait_for_function` evaluates strings, which the page's CSP forbids.
    """
    deadline = time.monotonic() + 30
    while (brightness(view) > 128) != is_light:
        assert time.monotonic() < deadline, "the brightness has not changed"
        view.page.wait_for_timeout(50)


def wait_until_dark(view):
    wait_until_light(view, is_light=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_by_default(window, alice, scheme):
    view = window(alice, color_scheme=scheme)

    wait_until_light(view) if scheme == "light" else wait_until_dark(view)


def test_chosen_theme_overrides_the_system(window, alice):
    view = window(alice, color_scheme="light", path="/settings")
    wait_until_light(view)
    view.press("Dark")

    expect(view.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    wait_until_dark(view)
    view.go("/")
    wait_until_dark(view)
    view.go("/settings")
    view.press("System")
    expect(view.page.get_by_role("button", name="System")).to_have_attribute("aria-pressed", "true")
    wait_until_light(view)


def test_disabled_read_receipts_hide_reading_in_both_directions(window, alice, bob):
    chat = alice.start_chat(bob)
    his = window(bob, path="/settings")
    his.page.get_by_role("checkbox", name="Read receipts").uncheck()
    expect(his.page.get_by_text("Saved.")).to_be_visible()
    expect(his.page.get_by_role("checkbox", name="Read receipts")).not_to_be_checked()
    hers = window(alice, path=f"/chats/{chat}")
    hers.say("Have you read this?")
    his.go(f"/chats/{chat}")
    his.say("And you this?")

    hers.expect_messages("Have you read this?", "And you this?")
    for view in (hers, his):
        view.expect_nothing_unread()
    hers.expect_status("Have you read this?", "Delivered")
    his.expect_status("And you this?", "Delivered")


def test_switches_are_saved_at_once_and_confirmed_where_one_is(window, alice):
    view = window(alice, path="/settings")
    receipts = view.page.get_by_role("checkbox", name="Read receipts")
    receipts.focus()
    top = receipts.bounding_box()
    view.page.keyboard.press("Space")

    expect(view.page.get_by_text("Saved.")).to_be_visible()
    expect(receipts).to_be_focused()
    assert receipts.bounding_box() == top
    with view.page.expect_response("**/settings/privacy"):
        view.page.get_by_label("Last seen and online").select_option("Nobody")
    view.page.reload()
    expect(view.page.get_by_label("Last seen and online")).to_have_value("nobody")
    expect(receipts).not_to_be_checked()


def test_language_changes_with_one_click(window, alice):
    view = window(alice, path="/settings")
    view.press("Deutsch")

    view.expect_path("/settings#appearance")
    expect(view.page.get_by_role("heading", name="Darstellung")).to_be_in_viewport()
    expect(view.page.get_by_role("button", name="Deutsch")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_photo_is_chosen_by_keyboard_on_the_avatar(window, alice):
    view = window(alice, path="/settings")
    photo = view.page.get_by_label("Photo")
    choosers = []
    view.page.on("filechooser", lambda chooser: choosers.append(chooser))

    def is_opened_by_space() -> bool:
        photo.press("Space")
        return bool(choosers)

    view.wait_until(is_opened_by_space)  # repeated, because Playwright may not listen yet
    choosers[0].set_files(picture("teal"))

    expect(view.page.get_by_text("Photo updated")).to_be_visible()
    expect(photo).to_be_focused()


def test_photo_of_a_person_opens_in_the_viewer(window, alice, bob):
    chat = alice.start_chat(bob)
    his = window(bob, path="/settings")
    his.page.get_by_label("Photo").set_input_files(picture("teal"))
    expect(his.page.get_by_text("Photo updated")).to_be_visible()
    hers = window(alice, path=f"/chats/{chat}/info")
    hers.follow("Photo")

    viewer = hers.page.get_by_role("dialog", name="Image viewer")
    expect(viewer.get_by_role("img", name="Bob")).to_have_js_property("naturalWidth", 512)
    hers.page.keyboard.press("Escape")
    expect(hers.link("Photo")).to_be_focused()
