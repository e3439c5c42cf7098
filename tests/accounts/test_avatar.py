"""Avatars: uploads are re-encoded as square WebP images, or refused."""

from __future__ import annotations

import functools
import io
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms

from accounts.models import User
from chatflow.images import decoder as avatar_process
from chatflow.limits.concurrency import ConcurrencyLimit

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(format="PNG", *, size=(40, 20), mode="RGB", color=RED, **kwargs) -> io.BytesIO:
    return encoded(Image.new(mode, size, color), format, **kwargs)


def encoded(image, format="PNG", **kwargs) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **kwargs)
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
    """stored(content) uploads an image as alice and returns the avatar that others see."""
    client = program(alice)

    def send(content, **kwargs) -> Image.Image:
        answer = put(client, content, **kwargs)
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


def test_avatar_is_visible_to_other_users(program, alice, bob):
    answer = put(program(alice), picture())

    client = program(bob)
    url = client.get("/users/alice").json()["avatar_url"]
    shown = client.get(url, HTTP_ACCEPT="image/avif,image/*;q=0.8")
    assert (answer.status_code, answer.json()["avatar_url"]) == (200, url)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/webp")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_avatars_require_a_login(stranger, program, alice):
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
def test_common_formats_become_a_square_webp(stored, format, mode, color):
    image = stored(picture(format, mode=mode, color=color))

    assert (image.format, image.size) == ("WEBP", (512, 512))


@pytest.mark.parametrize("size", [(1, 1), (30_000, 1), (1, 3000), (2000, 1500)])
def test_any_aspect_ratio_becomes_a_square(stored, size):
    assert stored(picture(size=size)).size == (512, 512)


def test_image_is_cropped_to_its_center(stored):
    image = red_left_blue_right((90, 30))
    image.paste((0, 255, 0), (30, 0, 60, 30))

    shown = stored(encoded(image))

    assert all(is_near(shown.getpixel((x, 256)), (0, 255, 0)) for x in (20, 256, 490))


def test_transparency_is_kept(stored):
    assert stored(picture(mode="RGBA", color=(0, 0, 0, 0))).getpixel((256, 256))[3] == 0


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(stored, format):
    turned = Image.Exif()
    turned[0x0112] = 6

    shown = stored(encoded(red_left_blue_right(), format, exif=turned))

    assert is_near(shown.getpixel((256, 20)), RED)
    assert is_near(shown.getpixel((256, 490)), BLUE)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_removed(program, alice, tmp_path, format):
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


def test_animation_is_reduced_to_its_first_frame(stored):
    frames = [Image.new("RGB", (20, 20), color) for color in (RED, BLUE)]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)

    shown = stored(moving)

    assert getattr(shown, "n_frames", 1) == 1
    assert is_near(shown.getpixel((256, 256)), RED)


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/x-sh"])
def test_declared_content_type_is_ignored(stored, content_type):
    shown = stored(picture("JPEG"), name="../../index.html", content_type=content_type)

    assert shown.format == "WEBP"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.png", "n" * 300, "мама.png", ".png"])
def test_file_name_is_not_stored(program, alice, tmp_path, name):
    put(program(alice), picture(), name=name)

    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.parent == tmp_path / "avatars"
    assert len(file.with_suffix("").name) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


# Invalid images


def png_of(width, height) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind, content) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


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
def test_invalid_image_is_refused(program, alice, tmp_path, content):
    answer = put(program(alice), content)

    alice.refresh_from_db()
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])
    assert not alice.avatar
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_file_above_ten_mebibytes_is_refused(program, alice, settings):
    client, content = program(alice), picture().getvalue()
    most = content + bytes(settings.AVATAR_MAX_BYTES - len(content))

    assert put(client, most).status_code == 200
    answer = put(client, most + b"\0")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])
    assert "10 MiB" in answer.json()["detail"]


MEASURED = """
import re, sys
from pathlib import Path
from chatflow.images.decoder import square_webp

def peak(path):
    with open(path, "rb") as file:
        square_webp(file)
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

small, large = sys.argv[1:]
print(-peak(small) + peak(large))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's own peak")
@pytest.mark.parametrize(("mode", "color"), [("RGBA", (*RED, 9)), ("P", 0)])
def test_large_image_is_decoded_into_memory_once(tmp_path, mode, color):
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, side in zip(paths, (10, 5000), strict=True):
        Image.new(mode, (side, side), color).save(path)

    measured = subprocess.run(
        [sys.executable, "-c", MEASURED, *paths], check=True, capture_output=True, text=True
    )

    assert int(measured.stdout) * 1024 < 1.7 * 4 * 5000 * 5000


# Images that take too much work


def with_scans(count) -> bytes:
    """A progressive JPEG of 36 megapixels whose last scan is repeated."""
    content = picture("JPEG", size=(6000, 6000), progressive=True).getvalue()
    scan = content[content.rindex(b"\xff\xc4") : -2]
    return content[:-2] + scan * count + content[-2:]


def with_profiles(count) -> bytes:
    """A PNG with many profiles of a megabyte of zeros, each compressed to one kilobyte."""
    content = picture().getvalue()
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000), 9))
    return content[:33] + profile * count + content[33:]


def with_segments(count) -> bytes:
    content = picture("JPEG").getvalue()
    return content[:2] + b"\xff\xe2\0\x02" * count + content[2:]


COSTLY = {
    "scans": (with_scans, 700),
    "profiles": (with_profiles, 9000),
    "segments": (with_segments, 2_600_000),
}


@pytest.fixture
def little_time(monkeypatch, tmp_path_factory):
    """Limit the decoder to one second of CPU time, so that these tests are fast."""
    program = tmp_path_factory.mktemp("program") / "avatar_process.py"
    source = Path(avatar_process.__file__).read_text()
    program.write_text(source.replace('"avatar": 5', '"avatar": 1'))
    monkeypatch.setattr("chatflow.images.process.PROCESS", [sys.executable, "-I", str(program)])


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize(("made", "count"), COSTLY.values(), ids=COSTLY.keys())
def test_small_file_that_takes_too_much_work_is_refused(program, alice, made, count):
    client = program(alice)

    used = cpu_seconds_of_children()
    answer = put(client, made(count))
    used = cpu_seconds_of_children() - used

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])
    assert used < 2
    assert put(client, picture()).status_code == 200


def cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_progressive_jpeg_is_accepted(stored):
    assert stored(picture("JPEG", size=(3000, 2000), progressive=True)).size == (512, 512)


def test_webp_above_16_megapixels_is_refused(program, alice):
    largest = picture("WEBP", size=(4000, 4000), lossless=True, method=0)
    larger = picture("WEBP", size=(4001, 4000), lossless=True, method=0)

    answers = [put(program(alice), content) for content in (largest, larger)]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert "too many pixels" in answers[1].json()["detail"]


# Colours


def test_16_bit_grey_keeps_its_brightness(stored):
    shown = stored(picture("PNG", size=(100, 100), mode="I;16", color=20_000))

    assert is_near(shown.getpixel((256, 256)), (78, 78, 78))


def test_16_bit_grey_keeps_black_and_white(stored):
    image = Image.new("I;16", (100, 50), 0)
    image.paste(65_535, (50, 0, 100, 50))

    shown = stored(encoded(image))

    assert is_near(shown.getpixel((100, 256)), (0, 0, 0))
    assert is_near(shown.getpixel((400, 256)), (255, 255, 255))


def swapped_profile() -> bytes:
    """Return sRGB with red and green swapped, which makes the conversion easy to see."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swaps = ((b"rXYZ", b"swap"), (b"gXYZ", b"rXYZ"), (b"swap", b"gXYZ"))
    return functools.reduce(lambda made, swap: made.replace(*swap, 1), swaps, profile)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_colours_are_converted_to_srgb(stored, format):
    shown = stored(picture(format, color=(200, 100, 100), icc_profile=swapped_profile()))

    assert is_near(shown.getpixel((256, 256)), (100, 200, 100))


@pytest.mark.parametrize("profile", [b"x", b"x" * 5000, b"\0" * 128])
def test_invalid_colour_profile_is_ignored(stored, profile):
    shown = stored(picture("JPEG", color=RED, icc_profile=profile))

    assert is_near(shown.getpixel((256, 256)), RED)


def test_upload_is_refused_while_too_many_are_being_decoded(program, alice, monkeypatch):
    client, places = program(alice), ConcurrencyLimit(1)
    monkeypatch.setattr("chatflow.images.process.concurrent_decoders", places)

    with places.taken():
        refused = put(client, picture())
    drawn = put(client, picture())

    assert (refused.status_code, drawn.status_code) == (503, 200)
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("fields", [{}, {"file": "me.png"}, {"other": "x"}])
def test_upload_without_a_file_is_refused(program, alice, fields):
    answer = program(alice).put("/users/me/avatar", fields, format="multipart")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])


def test_an_empty_file_is_refused(program, alice):
    assert put(program(alice), b"").status_code == 400


def test_json_upload_is_refused(program, alice):
    assert program(alice).put("/users/me/avatar", {"file": "x"}).status_code == 415


# Replacing and removing


def test_new_avatar_has_a_new_url(program, alice, tmp_path, after_commit):
    client = program(alice)
    former = put(client, picture()).json()["avatar_url"]

    with after_commit():
        url = put(client, picture(color=BLUE)).json()["avatar_url"]

    assert url != former
    assert [client.get(each).status_code for each in (former, url)] == [404, 200]
    assert len(list(tmp_path.rglob("*.webp"))) == 1


def test_invalid_image_keeps_the_current_avatar(program, alice):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]

    put(client, b"junk")

    assert client.get("/users/me").json()["avatar_url"] == url
    assert client.get(url).status_code == 200


def test_removing_the_avatar_deletes_its_file(program, alice, tmp_path, after_commit):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]

    with after_commit():
        answer = client.delete("/users/me/avatar")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get("/users/me").json()["avatar_url"] is None
    assert client.get(url).status_code == 404
    assert not list(tmp_path.rglob("*.webp"))


def test_removing_a_missing_avatar_is_not_an_error(program, alice):
    client = program(alice)

    assert [client.delete("/users/me/avatar").status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("name", ["nothing", "a%00b", "..%2F..%2Fsettings", "%F0%9F%91%8D"])
def test_unknown_avatar_is_not_found(program, alice, name):
    answer = program(alice).get(f"/avatars/{name}.webp", HTTP_ACCEPT="image/webp,image/*")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_avatar_with_a_missing_file_is_not_found(program, alice, tmp_path):
    client = program(alice)
    url = put(client, picture()).json()["avatar_url"]
    (file,) = tmp_path.rglob("*.webp")
    file.unlink()

    assert client.get(url).status_code == 404
    assert User.objects.get().avatar
