"""Show the progress of long commands: a bar in a terminal, otherwise a line every 25 %."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")
WIDTH = 30


def with_progress(
    items: Iterable[Item], label: str, out: TextIO | None = None, *, total: int | None = None
) -> Iterator[Item]:
    """Yield the items and show on `out` (standard error) how many of them are done.

    `total` is an estimate for items that are not known in advance, such as those of a stream.
    """
    out = out or sys.stderr
    if total is None:
        items = items if isinstance(items, Sized) else list(items)
        total = len(items)
    shown = -1
    for done, item in enumerate(items):
        percent = done * 100 // max(total, done + 1)  # there may be more items than were counted
        if percent != shown and (out.isatty() or percent % 25 == 0):
            shown = percent
            _draw(out, label, percent)
        yield item
    _draw(out, label, 100)
    out.write("\n" if out.isatty() else "")


def _draw(out: TextIO, label: str, percent: int) -> None:
    bar = "█" * (percent * WIDTH // 100)
    start, end = ("\r", "") if out.isatty() else ("", "\n")
    out.write(f"{start}{label} {bar:<{WIDTH}} {percent:3d} %{end}")
    out.flush()
