"""Pictures lose their metadata, keep what is seen, and get two smaller versions."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image, ImageSequence

from chatflow.limits.concurrency import ConcurrencyLimit
from tests.messaging.attachments.conftest import picture

SECRET = "52.5163 N 13.3777 E"


def with_metadata(format: str, **how: object) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET
    exif[0x0112] = 6  # to be turned by 90 degrees
    xmp = {} if format == "PNG" else {"xmp": f"<x>{SECRET}</x>".encode()}
    return picture(format, exif=exif, **xmp, **how)


def animation(format: str, frames: int = 3, **how: object) -> bytes:
    images = [Image.new("RGB", (60, 30), (60 * number, 90, 0)) for number in range(frames)]
    file = io.BytesIO()
    images[0].save(
        file, format, save_all=True, append_images=images[1:], duration=120, loop=0, **how
    )
    return file.getvalue()


@pytest.fixture
def shown(share, program, alice, bob, group):
    """shown(content) is what bob gets of alice's picture: the JSON and the three images."""

    def send(content: bytes, declared: str = "image/png"):
        attachment = share(alice, group, content, name="a.png", type=declared)["attachments"][0]
        client = program(bob)
        urls = [attachment[name] for name in ("url", "thumbnail_url", "preview_url")]
        return attachment, [client.get(url).getvalue() if url else None for url in urls]

    return send


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_images_are_rotated_upright_and_lose_their_metadata(shown, format):
    content = with_metadata(format, size=(2000, 1000))
    assert SECRET.encode() in content

    attachment, (whole, thumbnail, preview) = shown(content)

    assert attachment["content_type"] == f"image/{format.lower()}"
    assert (attachment["width"], attachment["height"]) == (1000, 2000)
    assert attachment["size"] == len(whole)
    sizes = [Image.open(io.BytesIO(each)).size for each in (whole, thumbnail, preview)]
    assert sizes == [(1000, 2000), (180, 360), (800, 1600)]
    assert not any(SECRET.encode() in each for each in (whole, thumbnail, preview))
    assert not Image.open(io.BytesIO(whole)).getexif()


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_animations_are_kept_and_lose_their_comments(shown, format):
    comment = {"comment": SECRET} if format == "GIF" else {"xmp": SECRET.encode()}
    content = animation(format, **comment)
    assert SECRET.encode() in content

    attachment, (whole, thumbnail, preview) = shown(content)

    image = Image.open(io.BytesIO(whole))
    assert (image.n_frames, image.info["loop"], image.size) == (3, 0, (60, 30))
    before = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(image)]
    after = [
        frame.convert("RGB").tobytes()
        for frame in ImageSequence.Iterator(Image.open(io.BytesIO(content)))
    ]
    assert before == after
    assert SECRET.encode() not in whole
    assert Image.open(io.BytesIO(thumbnail)).size == (60, 30)
    assert (preview, attachment["preview_url"]) == (None, None)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP"])
def test_data_after_an_image_is_removed(shown, format):
    _attachment, (whole, *_) = shown(picture(format) + b"<script>alert(1)</script>PK\3\4")

    assert b"<script>" not in whole


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_all_colour_modes_are_supported(shown, mode):
    file = io.BytesIO()
    Image.new(mode, (30, 20)).save(file, "JPEG" if mode == "CMYK" else "PNG")

    attachment, (whole, thumbnail, _preview) = shown(file.getvalue())

    assert attachment["kind"] == "image"
    assert Image.open(io.BytesIO(whole)).size == Image.open(io.BytesIO(thumbnail)).size == (30, 20)


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it has these many pixels, and has none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


HALF = 2


@pytest.mark.parametrize(
    "content",
    [
        png_of(60_000, 60_000),
        png_of(300, 300),
        *(picture(format, size=(300, 200))[: -len(picture(format, size=(300, 200))) // HALF]
          for format in ("PNG", "JPEG", "WEBP", "GIF")),
        b"GIF89a" + bytes(40),
        b"\xff\xd8\xff\xe0<html>",
        animation("GIF")[:-30],
    ],
    ids=["bomb", "no pixels", "half png", "half jpeg", "half webp", "half gif", "gif", "jpeg",
         "half an animation"],
)  # fmt: skip
def test_damaged_image_is_refused_and_leaves_no_file(upload, alice, group, settings, content):
    answer = upload(alice, group, content, name="a.png", type="image/png")

    assert answer.status_code == 400
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_upload_is_refused_while_too_many_images_are_being_decoded(
    upload, alice, group, monkeypatch
):
    places = ConcurrencyLimit(0)
    monkeypatch.setattr("chatflow.images.process.concurrent_decoders", places)

    answer = upload(alice, group, picture(), type="image/png")

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
