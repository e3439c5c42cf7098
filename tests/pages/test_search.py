"""The search page: whole pages, fragments, filters and links to messages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from conversations.services import start_direct
from messaging.models import Message
from messaging.services import edit_message


@pytest.fixture
def messages(alice, direct, say):
    return [say(alice, direct, f"line {number}") for number in range(30)]


def hits(page):
    return re.findall(r'href="(/chats/[^"]+around=\d+)"', page.content.decode())


def test_result_links_to_its_message(browser, alice, direct, messages):
    page = browser(alice).get("/search?q=line")

    assert hits(page) == [f"/chats/{direct.id}?around={seq}" for seq in range(30, 10, -1)]
    assert "<mark>line</mark> 29" in page.content.decode()


def test_link_leads_to_older_results(browser, alice, messages):
    client = browser(alice)
    whole = client.get("/search?q=line").content.decode()
    [link] = re.findall(r'<a class="row__link soft" href="([^"]+)"', whole)

    page = client.get(link.replace("&amp;", "&"))

    assert len(hits(page)) == 10
    assert 'id="more-found"' not in page.content.decode()


def test_search_while_typing_returns_a_fragment(browser, alice, messages):
    headers = {"HX-Request": "true", "HX-Target": "found"}

    page = browser(alice).get("/search?q=line&sender=&since=", headers=headers)

    assert page.content.decode().lstrip().startswith('<section class="card card--list" id="found"')
    assert 'data-address="/search?q=line"' in page.content.decode()


def test_query_and_results_are_escaped(browser, alice, direct, say, messages, membership):
    edit_message(
        membership=membership(alice, direct),
        message_id=messages[0].id,
        body="<script>x & <b>line</b>",
    )

    page = browser(alice).get("/search", {"q": 'script "><i>'}).content.decode()
    found = browser(alice).get("/search?q=script").content.decode()

    assert "<i>" not in page
    assert "&lt;<mark>script</mark>&gt;x &amp; &lt;b&gt;line" in found


def test_long_message_is_shortened_around_the_match(browser, alice, direct, say):
    say(alice, direct, "before " * 100 + "needle " + "after " * 100)

    page = browser(alice).get("/search?q=needle").content.decode()

    assert "…before before" in page
    assert "<mark>needle</mark> after" in page
    assert "…</span>" in page


def test_date_range_includes_both_days(browser, alice, direct, say):
    message = say(alice, direct, "today")
    day = message.created_at.date().isoformat()

    assert hits(browser(alice).get(f"/search?q=today&since={day}&until={day}"))
    assert not hits(browser(alice).get(f"/search?q=today&until={day.replace('20', '19', 1)}"))


@pytest.mark.parametrize(
    ("zone", "days", "is_found"),
    [
        ("Asia/Tokyo", "since=2026-03-02", True),
        ("Asia/Tokyo", "until=2026-03-01", False),
        ("America/New_York", "since=2026-03-02", False),
        ("America/New_York", "until=2026-03-01", True),
        ("Asia/Kathmandu", "since=2026-03-02&until=2026-03-02", True),
        ("", "since=2026-03-02", False),
        ("Mars/Olympus", "until=2026-03-01", True),
        ("../../etc/passwd", "until=2026-03-01", True),
        ("a" * 4000, "until=2026-03-01", True),
        ("Asia/Tokyo", "since=0001-01-01&until=9999-12-31", True),
        ("America/New_York", "since=0001-01-01&until=9999-12-31", True),
    ],
)
def test_dates_use_the_time_zone_of_the_browser(browser, alice, direct, say, zone, days, is_found):
    message = say(alice, direct, "today")
    sent_at = datetime(2026, 3, 1, 20, tzinfo=UTC)
    Message.objects.filter(id=message.id).update(created_at=sent_at)
    client = browser(alice)
    client.cookies["tz"] = zone

    assert bool(hits(client.get(f"/search?q=today&{days}"))) is is_found


def test_page_says_when_dates_use_utc(browser, alice):
    client = browser(alice)
    assert "midnight UTC" in client.get("/search").content.decode()

    client.cookies["tz"] = "Europe/Berlin"

    assert "midnight UTC" not in client.get("/search").content.decode()


def test_chat_filter_keeps_an_old_chat_selected(
    browser, alice, direct, messages, crowd, monkeypatch
):
    monkeypatch.setattr("messaging.search.pages.MAX_CHATS", 1)
    start_direct(user=alice, username=crowd(1)[0])

    page = browser(alice).get(f"/search?q=line&conversation={direct.id}").content.decode()

    assert f'<option value="{direct.id}" selected>' in page
    assert page.count("<option value=") >= 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Search all your messages"),
        ("q=nothing", "No messages found for “nothing”."),
        ("q=!!", "Enter a word to search for."),
        ("q=%F0%9F%8F%BD", "No messages found for"),
        (f"q=hi&sender={'x' * 151}", "at most 150 characters"),
        (f"q={'x' * 201}", "A search can have at most 200 characters."),
        ("q=hi&since=soon", "Enter a valid date."),
        ("q=today&until=9999-12-31", "No messages found for"),
    ],
)
def test_empty_results_are_explained(browser, alice, direct, query, words):
    page = browser(alice).get(f"/search?{query}")

    assert page.status_code == 200
    assert words in page.content.decode()


def test_stranger_cannot_search_a_chat(browser, mallory, direct, messages):
    assert browser(mallory).get(f"/search?q=line&conversation={direct.id}").status_code == 404
    assert hits(browser(mallory).get("/search?q=line")) == []
