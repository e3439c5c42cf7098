"""Store an image without its metadata, and smaller versions of it for lists and pages."""

from __future__ import annotations

import json
from typing import IO

from chatflow.images.process import Readable, decoded
from messaging.attachments import files
from messaging.attachments.files import Variant
from messaging.attachments.models import Attachment


def write_image(attachment: Attachment, image: Readable) -> None:
    """Write the files of an unsaved attachment and set the fields that describe them.

    Raises BadImage and Unavailable.
    """
    with decoded(image, purpose="attachment") as result:
        details = json.loads(result.readline())
        lengths = dict(zip(Variant, details["lengths"], strict=True))
        attachment.width, attachment.height = details["width"], details["height"]
        attachment.size = lengths[Variant.ORIGINAL]
        attachment.has_thumbnail = bool(lengths[Variant.THUMBNAIL])
        attachment.has_preview = bool(lengths[Variant.PREVIEW])
        attachment.stored_size = sum(
            files.write(attachment, variant, _Part(result, length))
            for variant, length in lengths.items()
            if length
        )


class _Part:
    """A file that contains the next bytes of another file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int, /) -> bytes:
        content = self._file.read(min(size, self._left))
        self._left -= len(content)
        return content
