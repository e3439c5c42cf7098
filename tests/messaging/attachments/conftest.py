"""Sample files, and fixtures that upload and send them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
MP4 = b"\0\0\0\x18ftypiso5\0\0\0\0iso5mp42\0\0\0\x08free"


def picture(format: str = "PNG", *, size: tuple[int, int] = (40, 20), **how: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, format, **how)
    return file.getvalue()


@pytest.fixture
def upload(program) -> Callable[..., object]:
    """upload(alice, group, content) uploads a file over the API and returns the answer."""

    def send(
        user, conversation, content=b"plain words", *, name="notes.txt", type="text/plain", **fields
    ):
        file = SimpleUploadedFile(name, content, type)
        path = f"/conversations/{conversation.id}/attachments"
        return program(user).post(path, {"file": file, **fields}, format="multipart")

    return send


@pytest.fixture
def share(upload, program) -> Callable[..., dict]:
    """share(alice, group, content) sends a message with one file and returns its JSON."""

    def send(user, conversation, content=b"plain words", *, body="", **how):
        uploaded = upload(user, conversation, content, **how)
        assert uploaded.status_code == 201, uploaded.content
        sent = program(user).post(
            f"/conversations/{conversation.id}/messages",
            {"body": body, "attachments": [uploaded.json()["id"]]},
        )
        assert sent.status_code == 201, sent.content
        return sent.json()

    return send
