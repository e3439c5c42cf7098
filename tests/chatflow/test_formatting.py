"""The formatting of messages: what is bold, what stays as typed, and that no text is lost."""

from __future__ import annotations

import html
import re
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatflow.text.formatting import format_message, has_formatting, plain_text, plain_text_at

ELEMENTS = {"strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "a", "span"}
SHOWN = {
    # emphasis
    "*bold*": "<strong>bold</strong>",
    "_italic_ and ~gone~": "<em>italic</em> and <s>gone</s>",
    "*_both_*": "<strong><em>both</em></strong>",
    "*a _b_ c*, d": "<strong>a <em>b</em> c</strong>, d",
    "(*a*)!": "(<strong>a</strong>)!",
    "这是*粗体*文字": "这是<strong>粗体</strong>文字",
    "*a *b*": "*a <strong>b</strong>",
    "*a _b* c_": "<strong>a _b</strong> c_",
    "*<b>*": "<strong>&lt;b&gt;</strong>",
    # no emphasis
    "2*3*4 snake_case_name a~b~c": "2*3*4 snake_case_name a~b~c",
    "a * b* *c *": "a * b* *c *",
    "*a\nb*": "*a\nb*",
    "**a** __init__ ~~a~~ **** *_*": "**a** __init__ ~~a~~ **** *_*",
    # code
    "`*a*` b": "<code>*a*</code> b",
    "*`a`*": "<strong><code>a</code></strong>",
    "`` ` ` `a": "`` ` ` `a",
    "say ```a *b*``` now": "say <code>a *b*</code> now",
    "a\n```\n- *b*\n  c\n```\nd": "a<pre>- *b*\n  c</pre>d",
    "``` a": "``` a",
    # lists and quotes
    "- a\n* *b*\nc": "<ul><li>a</li><li><strong>b</strong></li></ul>c",
    "2. a\n4. b": '<ol><li value="2">a</li><li value="4">b</li></ol>',
    "a\n\n- b\n\nc": "a\n\n<ul><li>b</li></ul>\nc",
    "> a\n> _b_": "<blockquote>a\n<em>b</em></blockquote>",
    "-a\n>b\n2024. a\n1.a\n - a": "-a\n&gt;b\n2024. a\n1.a\n - a",
    # links
    "*https://a.org/b_c_d*": "<strong><a>https://a.org/b_c_d</a></strong>",
    "~https://a.org/~me/x~": "<s><a>https://a.org/~me/x</a></s>",
    "_see www.a.org_": "<em>see <a>www.a.org</a></em>",
    "me@a.org, _x.y+z@b.co.uk_": "<a>me@a.org</a>, <em><a>x.y+z@b.co.uk</a></em>",
    "me@a 3@4.5 émile@a.org @me": "me@a 3@4.5 émile@a.org @me",
}
PLAIN = {
    "*bold* _italic_ ~gone~ `code`": "bold italic gone code",
    "- *a*\n> b": "- a\n> b",
    "a\n```\nb\n```\nc": "a\nb\nc",
    "2*3 snake_case_name": "2*3 snake_case_name",
}
TEXTS = st.text(st.sampled_from("*_~`>-1. \nab@:/<&\"'é漢")) | st.lists(
    st.sampled_from(["```", "`", "*", "_", "~", "\n", "> ", "- ", "1. ", "a", " ", "www.a.org/_b_"])
).map("".join)


@pytest.mark.parametrize(("text", "expected"), SHOWN.items())
def test_messages_are_shown_formatted(text, expected):
    shown = re.sub("<span [^>]*>[^<]*</span>", "", format_message(text))

    assert re.sub("<a [^>]*>", "<a>", shown) == expected


@pytest.mark.parametrize(("text", "expected"), PLAIN.items())
def test_plain_text_has_no_markers(text, expected):
    assert plain_text(text) == expected


def test_matches_keep_their_places_in_the_plain_text():
    text, [span] = plain_text_at("*so* ~much~ `code` here", [(13, 17)])

    assert text[slice(*span)] == "code"


def test_only_formatting_needs_a_preview():
    texts = "*a*", "- a", "`a`", "a*b*c", "www.a.org", "me@a.org"

    assert [text for text in texts if has_formatting(text)] == ["*a*", "- a", "`a`"]


def test_mail_address_leads_to_mail():
    assert 'href="mailto:me@a.org"' in format_message("me@a.org")


class Outline(HTMLParser):
    """What a browser reads: the elements that are open, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = self.plain = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS
        self.open.append("hidden" if ("hidden", None) in attrs else tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() in (tag, "hidden")

    def handle_data(self, text: str) -> None:
        self.text += text
        self.plain += "" if "hidden" in self.open else text


@given(TEXTS)
def test_html_is_balanced_and_contains_the_whole_text(text):
    outline = Outline(format_message(text))

    assert outline.open == []
    assert outline.text == text
    assert outline.plain == plain_text(text)


@pytest.mark.parametrize(
    "unit",
    ["*", "*a ", "_a", "*_~", "`", "``` ", "`a` ", "> a\n", "a@", "*a* ", "www.", "_*a_ b* "],
)
def test_work_grows_with_the_length_of_the_text(unit):
    short, long = (_steps(unit * (size // len(unit))) for size in (1024, 4096))

    assert long <= 5 * short


def _steps(text: str) -> int:
    """Count the lines of Python that are executed."""
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> object:
        nonlocal steps
        steps += event == "line"
        return count

    former = sys.gettrace()
    sys.settrace(count)
    try:
        format_message(text)
    finally:
        sys.settrace(former)
    return steps


def test_markup_is_escaped():
    assert html.unescape(format_message("<b>&amp;")) == "<b>&amp;"
    assert "<b>" not in format_message("*<b>* `<b>` - <b>")
