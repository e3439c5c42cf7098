"""Profile pictures: whatever comes in is decoded and drawn anew, so only pixels are kept."""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from chatflow.errors import DomainError
from chatflow.places import Places

AVATAR_PIXELS = 512
SAMPLED_PIXELS = 4 * AVATAR_PIXELS
MOST_PIXELS = 40_000_000  # checked from the header, before anything is decoded
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

# The largest picture takes hundreds of megabytes, however small its file is.
_places = Places(2, patience_seconds=5)


class BadPicture(DomainError):
    code = "bad_picture"
    message = _("This is not a PNG, JPEG, WebP or GIF picture that can be read.")


def square_webp(picture: BinaryIO) -> bytes:
    """The middle square of the picture as WebP, upright and without metadata."""
    try:
        with _places.taken(), warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _encoded(_square(picture))
    except DomainError:
        raise
    except Exception as error:  # decoders fail in many ways, all of which mean a bad file
        raise BadPicture(field="file") from error


def _square(picture: BinaryIO) -> Image.Image:
    picture.seek(0, io.SEEK_END)
    if picture.tell() > settings.AVATAR_MAX_BYTES:
        raise BadPicture(_("The picture is larger than 10 MiB."), field="file")
    picture.seek(0)
    image: Image.Image = Image.open(picture, formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise BadPicture(_("The picture has too many pixels."), field="file")
    image.draft("RGB", (AVATAR_PIXELS, AVATAR_PIXELS))  # lets JPEG decode at a smaller scale
    # Of very many pixels some will do, as they are: to convert or blend them would copy them all.
    side = min(*image.size, SAMPLED_PIXELS)
    sampled = ImageOps.fit(image, (side, side), Image.Resampling.NEAREST)
    upright = ImageOps.exif_transpose(sampled).convert("RGBA")
    return ImageOps.fit(upright, (AVATAR_PIXELS, AVATAR_PIXELS))


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=4)
    return buffer.getvalue()
