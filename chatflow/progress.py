"""A progress bar for long work in a terminal; plain lines now and then where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")
WIDTH = 30


def with_progress(items: Iterable[Item], label: str, out: TextIO | None = None) -> Iterator[Item]:
    """The items, while the bar says on `out`, or standard error, how many of them are done."""
    out = out or sys.stderr
    everything = items if isinstance(items, Sized) else list(items)
    total, shown = len(everything), -1
    for done, item in enumerate(everything):
        percent = done * 100 // max(total, done + 1)  # some may have come since they were counted
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
