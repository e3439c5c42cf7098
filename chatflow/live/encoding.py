"""The encodings of sockets, and how the texts of events and answers become frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

# At four bytes per character this is 1 MiB, a common limit of WebSocket clients. Only a frame that
# contains a single text may be larger.
FRAME_CHARACTERS = 256 * 1024


class Encoding(StrEnum):
    """What the frames of a socket contain."""

    JSON = "json"  # one object
    JSON_BATCH = "json-batch"  # an array of one or more objects
    HTML = "html"  # one or more page fragments


def split_into_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Divide the texts among frames, in order. A text that is too large gets its own frame."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and characters + len(text) > FRAME_CHARACTERS:
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def build_frame(encoding: Encoding, batch: Iterable[str]) -> str:
    """Return one frame with these texts. A JSON frame can carry only one."""
    return f"[{','.join(batch)}]" if encoding == Encoding.JSON_BATCH else "".join(batch)
