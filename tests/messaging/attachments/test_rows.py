"""The row of a chat whose newest message has attachments."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from messaging.services import delete_message
from tests.messaging.attachments.conftest import picture


@pytest.mark.parametrize(
    ("content", "text", "icon"), [(picture(), "Photo", "image"), (b"Bread", "notes.txt", "file")]
)
def test_row_shows_what_was_sent_by_an_icon(
    browser, share, alice, bob, direct, content, text, icon
):
    share(alice, direct, content)

    row = browser(bob).get(f"/chats/{direct.id}/row").content.decode()
    assert re.search(rf'<svg class="icon row__attached" aria-hidden="true">.*#{icon}"', row)
    assert f'<span class="row__preview">{text}</span>' in row


def test_row_of_a_deleted_photo_shows_no_icon(browser, share, alice, direct, membership):
    photo = share(alice, direct, picture())
    delete_message(membership=membership(alice, direct), message_id=UUID(photo["id"]))

    row = browser(alice).get(f"/chats/{direct.id}/row").content.decode()
    assert 'row__attached" aria-hidden="true" hidden>' in row


def test_several_photos_are_counted_in_the_row_and_in_a_quote(
    browser, upload, program, alice, bob, direct
):
    files = [picture(size=(40, width)) for width in (20, 21, 22)] + [b"Bread"]
    ids = [upload(alice, direct, content).json()["id"] for content in files]
    path = f"/conversations/{direct.id}/messages"
    photos = program(alice).post(path, {"body": "", "attachments": ids}).json()

    row = browser(bob).get(f"/chats/{direct.id}/row").content.decode()
    assert '<span class="row__preview">Photo (3), notes.txt</span>' in row

    program(bob).post(path, {"body": "Lovely!", "reply_to": photos["id"]})
    chat = browser(bob).get(f"/chats/{direct.id}").content.decode()
    assert '<bdi data-word="attached_image">Photo</bdi> (3), <bdi>notes.txt</bdi>' in chat
