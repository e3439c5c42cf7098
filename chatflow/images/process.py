"""Runs the decoder of uploaded images.

Without limits a small file could exhaust the memory of the server or block a thread for minutes. A
separate image service such as imgproxy could replace this.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from django.utils.translation import gettext_lazy as _

from chatflow.errors import DomainError, Unavailable
from chatflow.images import decoder
from chatflow.limits.concurrency import ConcurrencyLimit

PROCESS = [sys.executable, "-I", decoder.__file__]
COPIED_BYTES = 64 * 1024
TIMEOUT_SECONDS = 60  # far more than its CPU time, for busy machines

# The largest image takes hundreds of megabytes, however small its file is.
concurrent_decoders = ConcurrencyLimit(2, patience_seconds=20)


class BadImage(DomainError):
    """An image that is damaged, or takes too much time or memory to decode."""

    code = "bad_picture"
    message = _("This file is not a valid PNG, JPEG, WebP or GIF image.")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def decoded(image: Readable, *, purpose: str) -> Iterator[IO[bytes]]:
    """Provide what the decoder writes for this purpose, as an open file. Raises BadImage.

    Files connect it with this process, so that memory does not depend on their size.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result:
        while chunk := image.read(COPIED_BYTES):
            source.write(chunk)
        source.flush()
        os.lseek(source.fileno(), 0, os.SEEK_SET)
        with concurrent_decoders.taken():
            status = _run(source, result, purpose)
        if status == decoder.TOO_MANY_PIXELS:
            raise BadImage(_("The photo has too many pixels."), field="file")
        if status:
            raise BadImage(field="file")
        result.seek(0)
        yield result


def _run(source: IO[bytes], result: IO[bytes], purpose: str) -> int:
    try:
        return subprocess.run(  # noqa: S603 (our own program with fixed arguments)
            [*PROCESS, purpose],
            stdin=source,
            stdout=result,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
            check=False,
        ).returncode
    except (subprocess.TimeoutExpired, OSError):
        raise Unavailable from None
