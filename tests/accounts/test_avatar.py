"""Pictures of people: whatever comes in, a square of pixels is what is kept."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms

from accounts.models import User
from chatflow.places import Places

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(format="PNG", *, size=(40, 20), mode="RGB", color=RED, **how) -> io.BytesIO:
    return encoded(Image.new(mode, size, color), format, **how)


def encoded(image, format="PNG", **how) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **how)
    file.seek(0)
    return file


def red_left_blue_right(size=(40, 20)) -> Image.Image:
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def put(client, content, *, name="me.png", content_type="image/png"):
    content = content.getvalue() if isinstance(content, io.BytesIO) else content
    file = SimpleUploadedFile(name, content, content_type)
    return client.put("/users/me/avatar", {"file": file}, format="multipart")


@pytest.fixture
def stored(program, alice):
    """stored(content) is the picture that others are shown, after alice sent that one."""
    client = program(alice)

    def send(content, **how) -> Image.Image:
        answer = put(client, content, **how)
        assert answer.status_code == 200, answer.content
        image = Image.open(io.BytesIO(client.get(answer.json()["avatar_url"]).getvalue()))
        image.load()
        return image

    return send


@pytest.fixture
def after_commit(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def is_near(color, expected):
    return all(abs(have - want) < 12 for have, want in zip(color, expected, strict=False))


def test_bob_sees_alice_s_picture(program, alice, bob):
    answer = put(program(alice), picture())

    client = program(bob)
    url = client.get("/users/alice").json()["avatar_url"]
    shown = client.get(url, HTTP_ACCEPT="image/avif,image/*;q=0.8")
    assert (answer.status_code, answer.json()["avatar_url"]) == (200, url)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_strangers_see_and_send_none(stranger, program, alice):
    url = put(program(alice), picture()).json()["avatar_url"]

    assert stranger.get(url).status_code == 401
    assert put(stranger, picture()).status_code == 401
    assert stranger.delete("/users/me/avatar").status_code == 401


@pytest.mark.parametrize(
    ("format", "mode", "color"),
    [
        ("PNG", "RGB", RED),
        ("PNG", "RGBA", (*RED, 255)),
        ("PNG", "P", 0),
        ("PNG", "LA", (9, 255)),
        ("PNG", "1", 1),
        ("PNG", "I;16", 9),
        ("JPEG", "RGB", RED),
        ("JPEG", "L", 9),
        ("JPEG", "CMYK", (0, 9, 9, 9)),
        ("WEBP", "RGBA", (*RED, 9)),
        ("GIF", "P", 0),
    ],
)
def test_every_common_picture_becomes_a_square_webp(stored, format, mode, color):
    image = stored(picture(format, mode=mode, color=color))

    assert (image.format, image.size) == ("WEBP", (512, 512))


@pytest.mark.parametrize("size", [(1, 1), (30_000, 1), (1, 3000), (2000, 1500)])
def test_every_shape_becomes_a_square(stored, size):
    assert stored(picture(size=size)).size == (512, 512)


def test_the_middle_is_kept(stored):
    image = red_left_blue_right((90, 30))
    image.paste((0, 255, 0), (30, 0, 60, 30))

    shown = stored(encoded(image))

    assert all(is_near(shown.getpixel((x, 256)), (0, 255, 0)) for x in (20, 256, 490))


def test_what_is_transparent_stays_so(stored):
    assert stored(picture(mode="RGBA", color=(0, 0, 0, 0))).getpixel((256, 256))[3] == 0


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_phone_held_sideways_makes_an_upright_picture(stored, format):
    turned = Image.Exif()
    turned[0x0112] = 6

    shown = stored(encoded(red_left_blue_right(), format, exif=turned))

    assert is_near(shown.getpixel((256, 20)), RED)
    assert is_near(shown.getpixel((256, 490)), BLUE)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_pixels_is_kept(program, alice, tmp_path, format):
    exif = Image.Exif()
    exif[0x010F] = "HiddenWords"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = picture(format, exif=exif, icc_profile=profile, xmp=b"<x>HiddenWords</x>")
    assert b"HiddenWords" in content.getvalue()

    put(program(alice), content.getvalue() + b"<script>HiddenWords</script>")

    (file,) = tmp_path.rglob("*.webp")
    kept = file.read_bytes()
    assert not any(part in kept for part in (b"HiddenWords", b"EXIF", b"XMP", b"ICCP", b"script"))
    assert set(Image.open(file).info) <= {"loop", "background"}


def test_what_moves_stands_still(stored):
    frames = [Image.new("RGB", (20, 20), color) for color in (RED, BLUE)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)

    shown = stored(moving)

    assert getattr(shown, "n_frames", 1) == 1
    assert is_near(shown.getpixel((256, 256)), RED)


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/x-sh"])
def test_what_it_is_called_does_not_matter(stored, content_type):
    shown = stored(picture("JPEG"), name="../../index.html", content_type=content_type)

    assert shown.format == "WEBP"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.png", "n" * 300, "мама.png", ".png"])
def test_a_file_s_name_is_forgotten(program, alice, tmp_path, name):
    put(program(alice), picture(), name=name)

    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.parent == tmp_path / "avatars"
    assert len(file.stem) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


# What is no picture


def png_of(width, height) -> bytes:
    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def resized_gif(width, height) -> bytes:
    content = bytearray(picture("GIF", mode="P", color=0).getvalue())
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def noise(format) -> bytes:
    return encoded(Image.effect_noise((200, 200), 50).convert("RGB"), format).getvalue()


HOSTILE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg with a prolog": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "html that begins like a gif": b"GIF89a/*<svg/onload=alert(1)>*/=1;//" + b" " * 100,
    "html that begins like a png": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "html that begins like a jpeg": b"\xff\xd8\xff\xe0<script>alert(1)</script>",
    "text": b"hello",
    "zeros": bytes(1000),
    "tiff": picture("TIFF").getvalue(),
    "bmp": picture("BMP").getvalue(),
    "icon": picture("ICO").getvalue(),
    "pdf": picture("PDF").getvalue(),
    "truncated png": noise("PNG")[:-2000],
    "truncated jpeg": noise("JPEG")[:-2000],
    "truncated webp": noise("WEBP")[:-2000],
    "truncated gif": noise("GIF")[:2000],
    "png bomb": png_of(60_000, 60_000),
    "png of the largest size": png_of(2**31 - 1, 2**31 - 1),
    "png without pixels": png_of(0, 0),
    "long thin png bomb": png_of(2**31 - 1, 1),
    "gif bomb": resized_gif(65_535, 65_535),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_picture_is_refused(program, alice, tmp_path, content):
    answer = put(program(alice), content)

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])
    assert not alice.avatar
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_ten_mebibytes_are_the_most(program, alice, settings):
    client, content = program(alice), picture().getvalue()
    most = content + bytes(settings.AVATAR_MAX_BYTES - len(content))

    assert put(client, most).status_code == 200
    answer = put(client, most + b"\0")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])
    assert "10 MiB" in answer.json()["detail"]


MEASURED = """
import re, sys
from pathlib import Path
from accounts.avatars import square_webp

def peak(path):
    with open(path, "rb") as file:
        square_webp(file)
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

small, large = sys.argv[1:]
print(-peak(small) + peak(large))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's own peak")
@pytest.mark.parametrize(("mode", "color"), [("RGBA", (*RED, 9)), ("P", 0)])
def test_a_large_picture_is_in_memory_once(tmp_path, mode, color):
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, side in zip(paths, (10, 5000), strict=True):
        Image.new(mode, (side, side), color).save(path)

    measured = subprocess.run(
        [sys.executable, "-c", MEASURED, *paths], check=True, capture_output=True, text=True
    )

    assert int(measured.stdout) * 1024 < 1.7 * 4 * 5000 * 5000


def test_whoever_comes_while_others_pictures_are_drawn_comes_again(program, alice, monkeypatch):
    client, places = program(alice), Places(1)
    monkeypatch.setattr("accounts.avatars._places", places)

    with places.taken():
        refused = put(client, picture())
    drawn = put(client, picture())

    assert (refused.status_code, drawn.status_code) == (503, 200)
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("fields", [{}, {"file": "me.png"}, {"other": "x"}])
def test_a_form_without_a_file_is_refused(program, alice, fields):
    answer = program(alice).put("/users/me/avatar", fields, format="multipart")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])


def test_an_empty_file_is_refused(program, alice):
    assert put(program(alice), b"").status_code == 400


def test_a_picture_is_no_json(program, alice):
    assert program(alice).put("/users/me/avatar", {"file": "x"}).status_code == 415


# Afterwards


def test_another_picture_has_another_address(program, alice, tmp_path, after_commit):
    client = program(alice)
    former = put(client, picture()).json()["avatar_url"]

    with after_commit():
        url = put(client, picture(color=BLUE)).json()["avatar_url"]

    assert url != former
    assert [client.get(each).status_code for each in (former, url)] == [404, 200]
    assert len(list(tmp_path.rglob("*.webp"))) == 1


def test_a_bad_picture_leaves_the_good_one(program, alice):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]

    put(client, b"junk")

    assert client.get("/users/me").json()["avatar_url"] == url
    assert client.get(url).status_code == 200


def test_alice_takes_her_picture_away(program, alice, tmp_path, after_commit):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]

    with after_commit():
        answer = client.delete("/users/me/avatar")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/users/me").json()["avatar_url"] is None
    assert client.get(url).status_code == 404
    assert not list(tmp_path.rglob("*.webp"))


def test_taking_it_away_twice_is_no_error(program, alice):
    client = program(alice)

    assert [client.delete("/users/me/avatar").status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("name", ["nothing", "a%00b", "..%2F..%2Fsettings", "%F0%9F%91%8D"])
def test_a_picture_that_is_not_there_is_not_found(program, alice, name):
    answer = program(alice).get(f"/avatars/{name}.webp", HTTP_ACCEPT="image/webp,image/*")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_picture_whose_file_is_lost_is_not_found(program, alice, tmp_path):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]
    (file,) = tmp_path.rglob("*.webp")
    file.unlink()

    assert client.get(url).status_code == 404
    assert User.objects.get().avatar
