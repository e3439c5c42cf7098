"""Links in messages: which part of a text becomes a link, and to which address."""

from __future__ import annotations

import html
import re

import pytest

from chatflow.text.formatting import LONGEST_ADDRESS, format_message

W = "https://en.wikipedia.org/wiki/"
LINKS = {
    "請看https://example.org": ["https://example.org"],
    "https://example.orgを見て": ["https://example.org"],
    "https://example.org/a。次": ["https://example.org/a"],
    "（https://example.org/a）": ["https://example.org/a"],
    "https://example.org/aを見て": ["https://example.org/a"],
    "「https://example.org」、": ["https://example.org"],
    "https://example.org，然后": ["https://example.org"],
    "보세요https://example.org입니다": ["https://example.org"],
    "https://ja.wikipedia.org/wiki/日本": ["https://ja.wikipedia.org/wiki/日本"],
    "https://例え.jp/a": ["https://例え.jp/a"],
    "https://münchen.de/straße": ["https://münchen.de/straße"],
    "www.example.orgを": ["https://www.example.org"],
    "www.example.org/login?next=https://example.com/a": [
        "https://www.example.org/login?next=https://example.com/a"
    ],
    W + "Devil's_advocate": [W + "Devil's_advocate"],
    W + "Rust_(language)": [W + "Rust_(language)"],
    "(" + W + "Rust_(language))": [W + "Rust_(language)"],
    "[https://example.org]": ["https://example.org"],
    "{https://example.org}": ["https://example.org"],
    "[x](https://example.org/a)": ["https://example.org/a"],
    "`https://example.org`": [],
    "`https://example.org/a": ["https://example.org/a"],
    "**https://example.org**": ["https://example.org"],
    "**https://example.org/a**": ["https://example.org/a"],
    "_https://example.org/a_": ["https://example.org/a"],
    "‘https://example.org/a’": ["https://example.org/a"],
    "'https://example.org/a'": ["https://example.org/a"],
    "“https://example.org/a”": ["https://example.org/a"],
    '"https://example.org/a"': ["https://example.org/a"],
    "<https://example.org/a>": ["https://example.org/a"],
    "https://...": [],
    "https://": [],
    "https://…": [],
    "http://.": [],
    "www.": [],
    "www.a": [],
    "www...": [],
    "https://example.org\x00x": ["https://example.org"],
    "https://example.org/\x07x": ["https://example.org/"],
    "https://example.org/\u202egnp": ["https://example.org/"],
    "see https://example.org/a, or http://b.example.": [
        "https://example.org/a",
        "http://b.example",
    ],
    "HTTPS://EXAMPLE.ORG/A": ["HTTPS://EXAMPLE.ORG/A"],
    "https://user@example.org/a": ["https://user@example.org/a"],
    "http://[::1]:8000/a": ["http://[::1]:8000/a"],
    "http://localhost:8000": ["http://localhost:8000"],
    "https://example.org:8443?x=1#y": ["https://example.org:8443?x=1#y"],
    "ftp://www.example.org": [],
    "me@www.example.org": ["mailto:me@www.example.org"],
    "xhttps://example.org": [],
    "javascript:alert(1)": [],
    "https://example.org/?q=a&b='c'": ["https://example.org/?q=a&b='c"],
    "https://example.org/a?b=[1]": ["https://example.org/a?b=[1]"],
    "https://example.org/😀": ["https://example.org/😀"],
    "https://example.org😀": ["https://example.org"],
}


def targets(text: str) -> list[str]:
    return [html.unescape(href) for href in re.findall('href="([^"]*)"', format_message(text))]


@pytest.mark.parametrize(("text", "expected"), LINKS.items())
def test_links_contain_exactly_the_address(text, expected):
    assert targets(text) == expected


@pytest.mark.parametrize("text", LINKS)
def test_links_do_not_change_the_text(text):
    assert html.unescape(re.sub("<[^>]*>", "", format_message(text))) == text


@pytest.mark.parametrize(
    "text", ["https://a.org/<b>", "https://a.org/'onclick=x", "<i>&www.a.org/&lt;"]
)
def test_text_and_addresses_are_escaped(text):
    tags = re.findall("<[^>]*>", format_message(text))

    assert all(
        re.fullmatch('<a href="[^"]*" target="_blank" rel="[a-z ]*">|</a>', tag) for tag in tags
    )


def test_very_long_address_is_not_linked():
    assert targets("https://a.org/" + "a" * LONGEST_ADDRESS) == []
