"""Send, show, download and play photos, files and voice messages."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

UPLOAD = "**/conversations/*/attachments"


def photo(name: str, size: tuple[int, int] = (800, 600)) -> dict[str, object]:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 120, 60)).save(file, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}


NOTES = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Bread and butter"}


@pytest.fixture
def chat(alice, bob) -> str:
    return alice.start_chat(bob)


@pytest.fixture
def hers(window, alice, chat):
    return window(alice, path=f"/chats/{chat}")


def attach(view, *files: dict[str, object], label: str = "Attach") -> None:
    with view.page.expect_file_chooser() as chooser:
        view.press(label)
    chooser.value.set_files(files)


def test_photos_are_sent_with_a_caption_and_open_in_the_viewer(window, hers, bob, chat):
    his = window(bob, path=f"/chats/{chat}")
    attach(hers, photo("beach.jpg"), photo("hill.jpg"), photo("wrong.jpg"))
    hers.press("Remove: wrong.jpg")
    hers.say("From the weekend")
    hers.expect_status("From the weekend", "Sent")

    pictures = his.message("From the weekend").get_by_role("link")
    expect(pictures).to_have_count(2)
    expect(his.row("Alice")).to_contain_text("From the weekend")
    pictures.first.click()
    viewer = his.page.get_by_role("dialog", name="Image viewer")
    expect(viewer).to_contain_text("beach.jpg")
    his.page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("hill.jpg")
    viewer.get_by_role("button", name="Zoom").click()
    expect(viewer.get_by_role("img")).to_have_js_property(
        "src", pictures.last.evaluate("link => link.href")
    )
    his.expect_layer()
    his.page.go_back()
    expect(viewer).to_be_hidden()
    expect(pictures.last).to_be_focused()
    his.expect_path(f"/chats/{chat}")


def test_file_without_a_caption_can_be_downloaded_and_is_listed_on_the_media_page(
    window, hers, bob, chat
):
    his = window(bob, path=f"/chats/{chat}")
    attach(hers, NOTES)
    hers.press("Send")

    expect(his.row("Alice")).to_contain_text("notes.txt")
    with his.page.expect_download() as download:
        his.log.get_by_role("link", name="notes.txt").click()
    assert download.value.path().read_bytes() == NOTES["buffer"]
    his.go(f"/chats/{chat}/info")
    his.follow("Media and files")
    expect(his.page.get_by_role("main").get_by_role("link", name="notes.txt")).to_be_visible()


def test_interrupted_upload_is_retried_without_delaying_other_messages(hers, browser_errors):
    browser_errors.expect("ERR_FAILED", "ERR_INTERNET_DISCONNECTED")
    hers.page.route(UPLOAD, lambda route: route.abort())
    attach(hers, photo("beach.jpg"))
    hers.box.fill("From the weekend")
    hers.press("Send")
    hers.expect_status("From the weekend", "Sending…")
    hers.say("Said meanwhile")
    hers.expect_status("Said meanwhile", "Sent")

    hers.page.unroute(UPLOAD)
    hers.expect_status("From the weekend", "Sent")
    hers.expect_messages("Said meanwhile", "From the weekend")


def test_files_beyond_the_limit_are_refused_when_chosen(hers):
    attach(hers, *[photo(f"{number}.jpg", (4, 4)) for number in range(11)])

    expect(hers.page.get_by_text("at most 10 attachments")).to_be_visible()
    expect(hers.page.get_by_role("list", name="Attachments").get_by_role("listitem")).to_have_count(
        10
    )


def test_voice_message_is_recorded_sent_and_played(window, hers, bob, chat):
    his = window(bob, path=f"/chats/{chat}")
    hers.page.context.grant_permissions(["microphone"])
    hers.press("Record a voice message")
    expect(hers.page.get_by_role("timer")).to_have_text("0:02")
    hers.press("Stop recording")
    hers.press("Listen")
    hers.press("Send voice message")
    expect(hers.row("Bob")).to_contain_text("Voice message")

    expect(his.row("Alice")).to_contain_text("Voice message")
    his.press("Play")
    expect(
        his.log.get_by_role("button", name="Pause").or_(his.log.get_by_text("0:01"))
    ).to_be_visible()
    his.log.get_by_title("Playback speed").click()
    expect(his.log.get_by_title("Playback speed")).to_have_text("1.5×")


@pytest.mark.parametrize(
    ("locale", "attach_label", "send_label", "size"),
    [("en-GB", "Attach", "Send", "1.5\u00a0MB"), ("de-DE", "Anhängen", "Senden", "1,5\u00a0MB")],
)
def test_size_of_a_file_is_written_the_same_before_and_after_it_is_sent(
    window, alice, chat, locale, attach_label, send_label, size
):
    view = window(alice, path=f"/chats/{chat}", locale=locale)
    plan = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"a" * 1_600_000}
    attach(view, plan, label=attach_label)
    expect(view.page.locator(".tray .upload__size")).to_have_text(size)
    view.press(send_label)

    expect(view.page.locator(".attachment__facts")).to_have_text(f"TXT · {size}")


def test_copying_is_offered_for_text_only(hers):
    hers.say("Look:")
    hers.expect_status("Look:", "Sent")
    attach(hers, photo("beach.jpg"))
    hers.press("Send")
    for message, number in ((hers.message("Look:"), 1), (hers.messages.last, 0)):
        expect(message.get_by_text("Sent", exact=True)).to_be_visible()
        message.hover()
        with hers.page.expect_response("**/menu"):
            message.get_by_role("button", name="More", exact=True).click()
        expect(hers.page.get_by_role("menuitem", name="Delete for everyone")).to_be_visible()

        expect(hers.page.get_by_role("menuitem", name="Copy text")).to_have_count(number)
        hers.page.keyboard.press("Escape")
