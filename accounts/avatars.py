"""Re-encodes uploaded avatars, so that only their pixels are kept."""

from __future__ import annotations

import io
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chatflow.images.process import BadImage, decoded


def square_webp(image: BinaryIO) -> bytes:
    """Return the central square of the image as WebP, upright and without metadata.

    Raises BadImage, also if decoding takes too much time or memory, and Unavailable.
    """
    image.seek(0, io.SEEK_END)
    if image.tell() > settings.AVATAR_MAX_BYTES:
        raise BadImage(_("The photo is larger than 10 MiB."), field="file")
    image.seek(0)
    with decoded(image, purpose="avatar") as avatar:
        return avatar.read()
