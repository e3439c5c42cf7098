"""The search page: what comes whole, what comes as a fragment, and where it leads."""

from __future__ import annotations

import re

import pytest

from messaging.services import edit_message


@pytest.fixture
def talk(alice, direct, say):
    return [say(alice, direct, f"line {number}") for number in range(30)]


def hits(page):
    return re.findall(r'href="(/chats/[^"]+around=\d+)"', page.content.decode())


def test_a_hit_leads_to_its_message(browser, alice, direct, talk):
    page = browser(alice).get("/search?q=line")

    assert hits(page) == [f"/chats/{direct.id}?around={seq}" for seq in range(30, 10, -1)]
    assert "<mark>line</mark> 29" in page.content.decode()


def test_older_hits_come_by_a_link(browser, alice, talk):
    client = browser(alice)
    whole = client.get("/search?q=line").content.decode()
    [link] = re.findall(r'<a class="row__link soft" href="([^"]+)"', whole)

    page = client.get(link.replace("&amp;", "&"))

    assert len(hits(page)) == 10
    assert 'id="more-found"' not in page.content.decode()


def test_while_one_types_only_what_was_found_comes(browser, alice, talk):
    headers = {"HX-Request": "true", "HX-Target": "found"}

    page = browser(alice).get("/search?q=line&sender=&since=", headers=headers)

    assert page.content.decode().lstrip().startswith('<section class="card card--list" id="found"')
    assert 'data-address="/search?q=line"' in page.content.decode()


def test_text_stays_text(browser, alice, direct, say, talk, membership):
    edit_message(
        membership=membership(alice, direct), message_id=talk[0].id, body="<script>x & <b>line</b>"
    )

    page = browser(alice).get("/search", {"q": 'script "><i>'}).content.decode()
    found = browser(alice).get("/search?q=script").content.decode()

    assert "<i>" not in page
    assert "&lt;<mark>script</mark>&gt;x &amp; &lt;b&gt;line" in found


def test_a_long_message_is_shown_where_the_word_is(browser, alice, direct, say):
    say(alice, direct, "before " * 100 + "needle " + "after " * 100)

    page = browser(alice).get("/search?q=needle").content.decode()

    assert "…before before" in page
    assert "<mark>needle</mark> after" in page
    assert "…</span>" in page


def test_both_days_are_included(browser, alice, direct, say):
    message = say(alice, direct, "today")
    day = message.created_at.date().isoformat()

    assert hits(browser(alice).get(f"/search?q=today&since={day}&until={day}"))
    assert not hits(browser(alice).get(f"/search?q=today&until={day.replace('20', '19', 1)}"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Find what was said"),
        ("q=nothing", "Nothing was said about “nothing”."),
        ("q=!!", "Type a word to search for."),
        (f"q={'x' * 201}", "Search for 200 characters at most."),
        ("q=hi&since=soon", "Enter a valid date."),
        ("q=today&until=9999-12-31", "Nothing was said about"),
    ],
)
def test_what_is_said_when_nothing_is_found(browser, alice, direct, query, words):
    page = browser(alice).get(f"/search?{query}")

    assert page.status_code == 200
    assert words in page.content.decode()


def test_a_chat_of_others_cannot_be_searched(browser, mallory, direct, talk):
    assert browser(mallory).get(f"/search?q=line&conversation={direct.id}").status_code == 404
    assert hits(browser(mallory).get("/search?q=line")) == []
