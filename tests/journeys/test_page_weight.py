"""Pages load with few requests and few bytes, for slow connections."""

from __future__ import annotations

from playwright.sync_api import Page

MOST_REQUESTS = 25
MOST_BYTES = 100_000


def test_chat_page_needs_few_requests_and_bytes(window, alice, bob):
    chat = alice.start_chat(bob)
    bob.say(chat, *(f"message {number}" for number in range(60)))
    page = window(alice, path="about:blank").page

    sizes = _load(page, f"/chats/{chat}")

    assert len(sizes) < MOST_REQUESTS, sizes
    assert sum(sizes) < MOST_BYTES, sizes


def _load(page: Page, address: str) -> list[int]:
    """Return how many bytes each response took on the network, with its headers."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    return sizes
