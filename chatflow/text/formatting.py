"""The formatting of messages: `*bold*`, `_italic_`, `~strike~`, code, lists, quotes and links.

A message is stored and sent as it was typed. `format_message` makes the HTML of the pages;
`plain_text` removes the markers for previews, quotes and search results.

The syntax is WhatsApp's, which no Markdown parser reads: one marker instead of two, only at the
borders of words, and within a line. Links replace Django's `urlize` and linkify-it, which split at
spaces or accept any letter in a domain: an address inside Chinese or Japanese text would be no link
or a wrong one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from html import escape
from itertools import groupby

from django.utils.safestring import SafeString, mark_safe

from chatflow.text.tokenizer import Span

CJK = "\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
# Spaces, controls, invisible and bidi characters, quotes that open, full-width punctuation.
OUTSIDE = (
    r"\s\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"<>\"`“”„«»‹›\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
# A top-level domain is either ASCII or not, so Japanese text right after .org is not part of it.
DOMAIN_END = r"(?:[a-z0-9-]*[a-z0-9]|[^\W\x00-\x7f]+)"
HOST = rf"(?:\[[0-9a-f:.]+\]|(?:[\w-]+\.)*{DOMAIN_END})"
# CJK text right after a letter or digit continues the sentence and is not part of the path.
REST = rf"(?::[0-9]+)?(?:[/?#](?:[^{OUTSIDE}{CJK}]|(?<![a-z0-9])[{CJK}])*)?"
ADDRESS = (
    rf"(?<![a-z0-9])https?://(?:[\w.~!$&'()*+,;=:%-]+@)?{HOST}{REST}"
    rf"|(?<![a-z0-9@/.-])www\.(?:[\w-]+\.)+{DOMAIN_END}{REST}"
)
TRAILING = ".,:;!?…'‘’*_~"
BRACKETS = {")": "(", "]": "[", "}": "{"}
LONGEST_ADDRESS = 2000

# A letter or digit of a script that has spaces between its words.
WORD = rf"[^\W_{CJK}]"
MAIL = (
    rf"(?<!{WORD})(?<![.+%-])[a-z0-9][a-z0-9._+%-]{{0,63}}"
    r"@(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
CODE = r"```(?:(?!```).)+```|`[^`]+`"
TOKEN = re.compile(
    rf"(?P<address>{ADDRESS})|(?P<mail>{MAIL})|(?P<code>{CODE})|[*_~]", re.IGNORECASE
)
# Doubled markers are text, as in `__init__` and `****`.
OPENS = re.compile(rf"(?<!{WORD})(?:(?<!\*)\*(?=[^\s*])|(?<!_)_(?=[^\s_])|(?<!~)~(?=[^\s~]))")
CLOSES = re.compile(rf"(?:(?<=[^\s*])\*(?!\*)|(?<=[^\s_])_(?!_)|(?<=[^\s~])~(?!~))(?!{WORD})")
TAGS = {"*": "strong", "_": "em", "~": "s"}

FENCE = re.compile(r"(```\n?)(.+?)(\n?```)(\n?)", re.DOTALL)
LINE = re.compile(r"[^\n]*\n|[^\n]+")
SIGN = re.compile(r"(?P<ul>[*-] (?=\S))|(?P<ol>(?P<number>[0-9]{1,3})\. (?=\S))|(?P<blockquote>> )")

# Most messages contain neither.
MARKER = re.compile("[*_~`]")
ANYTHING = re.compile(
    r"[*_~`@]|https?://|www\.|^(?:[->]|[0-9]{1,3}\.) ", re.IGNORECASE | re.MULTILINE
)


def format_message(text: str) -> SafeString:
    """Return the HTML of a message.

    Its text content is the text as typed: markers are hidden elements, so that the scripts of the
    page can read the source of a message, which people edit and copy.
    """
    if not ANYTHING.search(text):
        return mark_safe(escape(text))  # noqa: S308
    return mark_safe("".join(piece.html for piece in _parse(text)))  # noqa: S308


def has_formatting(text: str) -> bool:
    """Return whether the HTML of a message shows more than its text and links."""
    return bool(ANYTHING.search(text)) and any(piece.role != Role.TEXT for piece in _parse(text))


def plain_text(text: str) -> str:
    """Return a message without its markers. The signs of lists and quotes stay."""
    return plain_text_at(text, [])[0]


def plain_text_at(text: str, spans: Sequence[Span]) -> tuple[str, list[Span]]:
    """Return a message without its markers, and where it has these spans of the message."""
    if not MARKER.search(text):
        return text, list(spans)
    shown, at = "", 0
    removed: list[int] = []
    for piece in _parse(text):
        if piece.role == Role.MARKER:
            removed += range(at, at + len(piece.text))
        else:
            shown += piece.text
        at += len(piece.text)

    def moved(place: int) -> int:
        return place - bisect_left(removed, place)

    return shown, [(moved(start), moved(end)) for start, end in spans]


class Role(Enum):
    TEXT = "shown"
    MARKER = "hidden, and removed from the plain text"
    SIGN = "hidden, because a list, quote or block shows it in its own way"


@dataclass(slots=True)
class Piece:
    """A part of the message; all parts together are the message."""

    text: str
    role: Role = Role.TEXT
    before: str = ""  # the tags around it
    after: str = ""

    @property
    def html(self) -> str:
        text = escape(self.text)
        if self.role == Role.MARKER:
            text = f"<span hidden>{text}</span>"
        elif self.role == Role.SIGN:
            text = f'<span class="sign">{text}</span>'
        return f"{self.before}{text}{self.after}"


def _parse(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for fence in FENCE.finditer(text):
        opening, code, closing, line_break = fence.groups()
        if "\n" not in fence[0].strip() or not code.strip("`\n "):
            continue  # code within a line
        pieces += _lines(text[end : fence.start()])
        _hide_line_break(pieces)
        pieces += [
            Piece(opening, Role.MARKER, before="<pre>"),
            Piece(code),
            Piece(closing, Role.MARKER, after="</pre>"),
        ]
        pieces += [Piece(line_break, Role.SIGN)] if line_break else []
        end = fence.end()
    return pieces + _lines(text[end:])


def _lines(text: str) -> list[Piece]:
    """Parse lines, and put adjacent ones with the same sign into one list or quote."""
    pieces: list[Piece] = []
    lines = [(SIGN.match(line), line) for line in LINE.findall(text)]
    for element, group in groupby(lines, key=lambda line: line[0] and line[0].lastgroup):
        block = [piece for sign, line in group for piece in _line(sign, line)]
        _hide_line_break(pieces)
        if element:
            block[0].before = f"<{element}>{block[0].before}"
            block[-1].after += f"</{element}>"
        pieces += block
    return pieces


def _hide_line_break(pieces: list[Piece]) -> None:
    """Hide the line break at the edge of a block, but not an empty line."""
    if not pieces or pieces[-1].role != Role.TEXT or not pieces[-1].text.endswith("\n"):
        return
    last = pieces[-1]
    if last.text != "\n":
        last.text = last.text[:-1]
        pieces.append(Piece("\n", Role.SIGN, after=last.after))
        last.after = ""
    elif len(pieces) > 1 and not pieces[-2].text.endswith("\n"):
        last.role = Role.SIGN


def _line(sign: re.Match[str] | None, line: str) -> list[Piece]:
    if not sign:
        return _Inline(line).pieces()
    pieces = [Piece(sign[0], Role.SIGN), *_Inline(line, sign.end()).pieces()]
    if sign["ul"]:
        pieces[0].before = "<li>"
    elif sign["ol"]:
        pieces[0].before = f'<li value="{int(sign["number"])}">'
    if not sign["blockquote"]:
        _hide_line_break(pieces)
        pieces[-1].after += "</li>"
    return pieces


@dataclass
class _Inline:
    """The state while one line is parsed, from `at` on."""

    line: str
    at: int = 0
    found: list[Piece] = field(default_factory=list)
    # Markers that may still be closed, each with what was visible before it. At most one of a kind.
    open: dict[str, tuple[Piece, int]] = field(default_factory=dict)
    visible: int = 0  # pieces that are not only spaces and markers

    def pieces(self) -> list[Piece]:
        while token := TOKEN.search(self.line, self.at):
            self._add(self.line[self.at : token.start()])
            self.at = token.start()
            if token["address"]:
                self._add_address(token["address"])
            elif token["mail"]:
                self._add(token[0], before=_link(f"mailto:{token[0]}"), after="</a>")
            elif token["code"]:
                self._add_code(token["code"])
            else:
                self._add_marker(token[0])
        self._add(self.line[self.at :])
        return self.found

    def _add(self, text: str, *, before: str = "", after: str = "") -> None:
        if text:
            self.found.append(Piece(text, before=before, after=after))
            self.visible += not text.isspace()
            self.at += len(text)

    def _add_code(self, code: str) -> None:
        ticks = "```" if code.startswith("```") else "`"
        inner = code[len(ticks) : -len(ticks)]
        if not inner.strip("` "):
            return self._add(code)
        self._add_hidden(ticks, before="<code>")
        self._add(inner)
        self._add_hidden(ticks, after="</code>")

    def _add_address(self, match: str) -> None:
        """Add a link. The rest of what matched is read again: it may close what is open."""
        address = _without_trailing(match)
        if len(match) > LONGEST_ADDRESS:
            return self._add(match)
        has_scheme = address.lower().startswith(("http://", "https://"))
        target = address if has_scheme else f"https://{address}"
        self._add(address, before=_link(target), after="</a>")

    def _add_hidden(self, text: str, *, before: str = "", after: str = "") -> None:
        self.found.append(Piece(text, Role.MARKER, before, after))
        self.at += len(text)

    def _add_marker(self, marker: str) -> None:
        opening, visible = self.open.get(marker, (None, self.visible))
        if opening and self.visible > visible and CLOSES.match(self.line, self.at):
            opening.role = Role.MARKER
            opening.before = f"<{TAGS[marker]}>"
            self._add_hidden(marker, after=f"</{TAGS[marker]}>")
            while self.open.popitem()[0] != marker:
                pass  # what was opened since then cannot be closed outside
            return
        piece = Piece(marker)
        if OPENS.match(self.line, self.at):
            self.open.pop(marker, None)
            self.open[marker] = (piece, self.visible)
        self.found.append(piece)
        self.at += len(marker)


def _link(target: str) -> str:
    return f'<a href="{escape(target)}" target="_blank" rel="noopener noreferrer nofollow">'


def _without_trailing(address: str) -> str:
    """Return the address without the end of the sentence, quotation or brackets around it."""
    address = address.rstrip(TRAILING)
    while _closes_nothing(address):
        address = address[:-1].rstrip(TRAILING)
    return address


def _closes_nothing(address: str) -> bool:
    closing = address[-1]
    return closing in BRACKETS and address.count(closing) > address.count(BRACKETS[closing])
