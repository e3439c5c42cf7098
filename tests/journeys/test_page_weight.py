"""Pages load with few requests and few bytes, for slow connections."""

from __future__ import annotations

from playwright.sync_api import Page

MOST_REQUESTS = 15
MOST_BYTES = 100_000
CHATS = 30


def test_list_and_chat_need_few_requests_and_bytes(window, alice, bob, carol):
    for number in range(CHATS):
        alice.start_group(f"Garden {number}", bob, carol)
    chat = alice.start_chat(bob)
    bob.say(chat, *(f"message {number}" for number in range(60)))

    for path in ("/", f"/chats/{chat}"):
        sizes = _load(window(alice, path="about:blank").page, path)  # with an empty cache
        assert len(sizes) <= MOST_REQUESTS, (path, sizes)
        assert sum(sizes) <= MOST_BYTES, (path, sizes)


def _load(page: Page, address: str) -> list[int]:
    """Return how many bytes each response took on the network, with its headers."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    return sizes
