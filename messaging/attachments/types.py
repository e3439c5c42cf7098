"""Determine the type of an upload by its content, never by its name.

Only the types in these tables are ever displayed or played. Everything else is a file that can only
be downloaded. puremagic knows the signatures of files. ISO media files (MP4, QuickTime, HEIF) are
told apart here, because it knows only some of their brands.
"""

from __future__ import annotations

import puremagic

from messaging.attachments.models import Attachment

Kind = Attachment.Kind

HEADER_BYTES = 4096
UNKNOWN = "application/octet-stream"
IMAGES = ("image/jpeg", "image/png", "image/webp", "image/gif")
KINDS = dict.fromkeys(IMAGES, Kind.IMAGE) | {
    "video/mp4": Kind.VIDEO,
    "video/webm": Kind.VIDEO,
    "video/quicktime": Kind.VIDEO,
    "video/ogg": Kind.VIDEO,
    "audio/mpeg": Kind.AUDIO,
    "audio/mp4": Kind.AUDIO,
    "audio/ogg": Kind.AUDIO,
    "audio/wav": Kind.AUDIO,
    "audio/flac": Kind.AUDIO,
    "audio/aac": Kind.AUDIO,
}
# The types that browsers record. Audio recordings have the same signatures as videos.
VOICE_TYPES = {
    "audio/ogg": "audio/ogg",
    "audio/mp4": "audio/mp4",
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
    "audio/mpeg": "audio/mpeg",
    "audio/wav": "audio/wav",
    "audio/aac": "audio/aac",
}
OTHER_NAMES = {"audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac"}
ISO_BRANDS = {
    **{brand: "audio/mp4" for brand in (b"M4A ", b"M4B ", b"F4A ")},
    **{
        brand: UNKNOWN  # pictures that are not decoded here
        for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif")
    },
    b"avis": UNKNOWN,
    b"crx ": UNKNOWN,
    b"qt  ": "video/quicktime",
}
# Two bytes are enough for such a match, for example the first ones of a text in UTF-16.
WEAK_CONFIDENCE = 0.2


def content_type_of(header: bytes, *, declared: str) -> str:
    """Return the type of a file that begins with these bytes, or UNKNOWN.

    A weak match counts only if the client `declared` the same kind of type.
    """
    if header[4:8] == b"ftyp":
        return ISO_BRANDS.get(header[8:12], "video/mp4")
    if header[:4] == b"OggS":
        return "video/ogg" if b"theora" in header else "audio/ogg"
    try:
        matches = puremagic.magic_string(header)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    best = max(match.confidence for match in matches)
    names = [OTHER_NAMES.get(match.mime_type, match.mime_type) for match in matches]
    likely = [name for name, match in zip(names, matches, strict=True) if match.confidence == best]
    found = next((name for name in likely if name in KINDS), UNKNOWN)
    is_agreed = found.partition("/")[0] == declared.partition("/")[0]
    return found if best > WEAK_CONFIDENCE or is_agreed else UNKNOWN
