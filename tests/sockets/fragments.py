"""Parse HTML fragments into dictionaries for tests."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


def roots(html: str) -> list[dict[str, Any]]:
    """Return the root elements as dictionaries: `type` is the tag, `text` all text inside, `inside`
    the attributes of descendants, and the rest the attributes without `data-`."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.roots


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.roots: list[dict[str, Any]] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if self._depth == 0:
            fields = {name.removeprefix("data-"): value for name, value in attributes}
            self.roots.append(fields | {"type": tag, "text": "", "inside": []})
        else:
            self.roots[-1]["inside"].append(dict(attributes))
        self._depth += tag not in VOID

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self.roots:
            self.roots[-1]["text"] += data
