"""A program that re-encodes an image from standard input for the purpose that it is called with.

For an `avatar` it writes a square WebP image. For an `attachment` it writes a line of JSON with the
size of the picture and the lengths of what follows: the image without metadata, a thumbnail and,
unless the image is animated, a preview.

A small file can require any amount of work, such as a JPEG with thousands of scans or a PNG with
thousands of compressed profiles. So `process` runs this program in a process of its own, and the
system limits its CPU time and memory. It does not import Django, so that it starts quickly, and
nothing of the project, because an isolated Python does not find it.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps, ImageSequence

AVATAR_PIXELS = 512
THUMBNAIL_PIXELS = 360  # of the longer side
PREVIEW_PIXELS = 1600
SAMPLED_PIXELS = 4 * AVATAR_PIXELS
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# Checked from the header, before anything is decoded. The WebP decoder keeps four copies in memory.
MOST_PIXELS = {"WEBP": 16_000_000}
MOST_PIXELS_OF_OTHERS = 40_000_000

# The largest allowed images take about a third of this time, and less than this memory.
CPU_SECONDS = {"avatar": 5, "attachment": 20}
MEMORY_BYTES = {"avatar": 512 * 1024 * 1024, "attachment": 1024 * 1024 * 1024}
TOO_MANY_PIXELS = 3  # exit status

ORIENTATION_TAG = 0x0112  # of Exif
GIF_EXTENSION, GIF_IMAGE, GIF_TRAILER = 0x21, 0x2C, 0x3B
GIF_CONTROL, GIF_APPLICATION = 0xF9, 0xFF
GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
WEBP_CHUNKS = (b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L")
WEBP_METADATA_FLAGS = 0x0C  # Exif and XMP


class TooManyPixels(Exception):
    """The image has more pixels than its format may have."""


def main() -> int:
    purpose = sys.argv[1]
    limit_resources(CPU_SECONDS[purpose], MEMORY_BYTES[purpose])
    make = {"avatar": avatar, "attachment": attachment}[purpose]
    try:
        result = make(sys.stdin.buffer.read())
    except TooManyPixels:
        return TOO_MANY_PIXELS
    for part in result:
        sys.stdout.buffer.write(part)
    return 0


def limit_resources(cpu_seconds: int, memory_bytes: int) -> None:
    """Limit the CPU time and memory of this process. The system kills it when it exceeds them."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def opened(file: BinaryIO) -> Image.Image:
    """Open the image without decoding it. Raises TooManyPixels."""
    image: Image.Image = Image.open(file, formats=FORMATS)
    most_pixels = MOST_PIXELS.get(image.format or "", MOST_PIXELS_OF_OTHERS)
    if image.width * image.height > most_pixels:
        raise TooManyPixels
    return image


# --- avatars -------------------------------------------------------------------------------------


def avatar(content: bytes) -> list[bytes]:
    return [square_webp(io.BytesIO(content))]


def square_webp(file: BinaryIO) -> bytes:
    """Return the central square of the image as WebP, upright, in sRGB and without metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return _encoded(_in_srgb(*_square(file)))


def _square(file: BinaryIO) -> tuple[Image.Image, bytes]:
    """Return the central square and the colour profile of the image."""
    image = opened(file)
    image.draft("RGB", (AVATAR_PIXELS, AVATAR_PIXELS))  # lets JPEG decode at a smaller scale
    # Sample large images before anything else: converting or blending would copy all their pixels.
    side = min(*image.size, SAMPLED_PIXELS)
    sampled = ImageOps.fit(image, (side, side), Image.Resampling.NEAREST)
    upright = _in_eight_bits(ImageOps.exif_transpose(sampled)).convert("RGBA")
    return ImageOps.fit(upright, (AVATAR_PIXELS, AVATAR_PIXELS)), image.info.get("icc_profile", b"")


# --- attachments ---------------------------------------------------------------------------------


def attachment(content: bytes) -> list[bytes]:
    """Return the JSON line and the image, the thumbnail and the preview."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = opened(io.BytesIO(content))
        is_animated = getattr(image, "is_animated", False) and image.format in ("GIF", "WEBP")
        for frame in ImageSequence.Iterator(image) if is_animated else ():
            frame.load()  # a broken or endless animation is refused
        if is_animated:
            image.seek(0)
        upright = ImageOps.exif_transpose(image)
        whole = _without_metadata(content, image, upright)
        small = _reduced(upright, PREVIEW_PIXELS, image.info.get("icc_profile", b""))
        preview = b"" if is_animated else _encoded(small)
        small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
        thumbnail = _encoded(small)
    details = {
        "width": upright.width,
        "height": upright.height,
        "lengths": [len(whole), len(thumbnail), len(preview)],
    }
    return [json.dumps(details).encode() + b"\n", whole, thumbnail, preview]


def _without_metadata(content: bytes, image: Image.Image, upright: Image.Image) -> bytes:
    """Return the image as a file that has only pixels, frames and a colour profile."""
    is_turned = image.getexif().get(ORIENTATION_TAG, 1) != 1
    if image.format == "GIF":
        return gif_without_metadata(content)
    if image.format == "WEBP" and not is_turned:
        image.load()
        return webp_without_metadata(content)
    profile = _checked_profile(image.info.get("icc_profile", b""))
    buffer = io.BytesIO()
    if image.format == "PNG":
        upright.save(buffer, "PNG", compress_level=4, icc_profile=profile, exif=b"", pnginfo=None)
    elif image.format == "WEBP":
        upright.save(buffer, "WEBP", quality=90, icc_profile=profile, exif=b"", xmp=b"")
    else:
        is_plain = upright.mode in ("L", "RGB")
        plain = upright if is_plain else upright.convert("RGB")
        profile = profile if is_plain else None  # a profile of CMYK does not fit RGB
        plain.info = {}  # Pillow would write the comment
        plain.save(buffer, "JPEG", quality=90, progressive=True, icc_profile=profile, exif=b"")
    return buffer.getvalue()


def _checked_profile(profile: bytes) -> bytes | None:
    """Return a colour profile that can be read, or None: it could contain anything else."""
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError):
        return None
    return profile


def _reduced(image: Image.Image, most_pixels: int, profile: bytes) -> Image.Image:
    """Return a copy whose longer side has at most this many pixels, in sRGB."""
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if image.mode in ("P", "PA", "1", "LA"):
        image = image.convert("RGBA" if has_alpha else "RGB")
    copy = image.copy()
    copy.thumbnail((most_pixels, most_pixels), reducing_gap=3)
    copy = _in_eight_bits(copy).convert("RGBA" if has_alpha else "RGB")
    return _in_srgb(copy, profile)


def gif_without_metadata(content: bytes) -> bytes:
    """Return a GIF without comments and unknown extensions. Frames and their times are kept.

    Raises ValueError or IndexError if it is not complete.
    """
    kept, position = io.BytesIO(), 13 + _color_table_bytes(content[10])
    kept.write(content[:position])
    while content[position] != GIF_TRAILER:
        start = position
        if content[start] == GIF_IMAGE:
            position += 10 + _color_table_bytes(content[start + 9]) + 1
            is_kept = True
        elif content[start] == GIF_EXTENSION:
            position += 2
            is_loop = content[start + 3 : start + 14] in GIF_LOOPS
            is_kept = content[start + 1] == GIF_CONTROL or (
                content[start + 1] == GIF_APPLICATION and is_loop
            )
        else:
            raise ValueError("unknown block")
        while content[position]:  # the blocks of data, each with its length in front
            position += 1 + content[position]
        position += 1
        if is_kept:
            kept.write(content[start:position])
    kept.write(bytes([GIF_TRAILER]))
    return kept.getvalue()


def _color_table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def webp_without_metadata(content: bytes) -> bytes:
    """Return a WebP file with the chunks of its picture only. Raises ValueError or struct.error."""
    kept, position, end = io.BytesIO(), 12, 8 + struct.unpack_from("<I", content, 4)[0]
    while position + 8 <= end:
        name, length = struct.unpack_from("<4sI", content, position)
        chunk = bytearray(content[position : position + 8 + length + length % 2])
        if len(chunk) < 8 + length:
            raise ValueError("cut off")
        if name == b"VP8X":
            chunk[8] &= ~WEBP_METADATA_FLAGS
        if name in WEBP_CHUNKS:
            kept.write(chunk)
        position += 8 + length + length % 2
    body = b"WEBP" + kept.getvalue()
    return b"RIFF" + struct.pack("<I", len(body)) + body


# --- both ----------------------------------------------------------------------------------------


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey down; Pillow's own conversion would cut everything above 255 to white."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert the colours from the profile of the image, such as Display P3 of phones, to sRGB.

    Browsers assume sRGB for images without a profile. An unreadable profile is ignored.
    """
    with suppress(ImageCms.PyCMSError, OSError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() == "RGB":
            ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), inPlace=True)
    return image


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=4)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
