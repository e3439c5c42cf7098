"""Measure a first visit on a slow line: the weight and the times of three pages.

Chromium loads each page with an empty cache, a throttled network and a slowed-down processor. Its
throttling delays each request by the round trip, but leaves out the handshakes of TCP and TLS.
Requests and bytes are the same on every machine; tests/journeys/test_page_weight.py bounds them.
"""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import asdict, dataclass
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.journeys.chromium import find_chromium, launch_options
from tests.load.measuring import Line, Scale, print_progress, three_figures
from tests.load.site import Account, Ground, Site, names_of
from tests.resilience.servers import TIMEOUT_SECONDS

BITS_PER_SECOND = 1_600_000
ROUND_TRIP_MS = 150
CPU_SLOWDOWN = 4
CONVERSATIONS = 30
MESSAGES = 60

MOST_REQUESTS = 15
MOST_KILOBYTES = 100
MOST_MS = 1500

NETWORK = {
    "offline": False,
    "latency": ROUND_TRIP_MS,
    "downloadThroughput": BITS_PER_SECOND / 8,
    "uploadThroughput": BITS_PER_SECOND / 8,
}
TIMES = """() => new Promise((resolve) => {
  const observer = new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    const [page] = performance.getEntriesByType("navigation");
    if (paint) resolve([paint.startTime, page.domContentLoadedEventEnd]);
  });
  observer.observe({ type: "paint", buffered: true });
})"""


@dataclass(frozen=True)
class Visit:
    requests: int
    kilobytes: float
    first_paint_ms: float
    content_loaded_ms: float


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    if not await asyncio.to_thread(find_chromium):
        print_progress("first-visit: needs Chromium")
        return []
    options = await asyncio.to_thread(launch_options)
    with ground.site() as site:
        account, pages = _fill(site)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**options)
            lines = []
            for name, path in pages.items():
                print_progress(f"first-visit: {name}")
                visits = [
                    await _visit(browser, site, account if path != "/login" else None, path)
                    for _ in range(scale.rounds)
                ]
                lines.append(_line(name, visits))
            await browser.close()
    return lines


def _fill(site: Site) -> tuple[Account, dict[str, str]]:
    """Return a user with many conversations, and the paths of the pages."""
    people = site.fill("people", count=3)
    names = names_of(people)
    groups = site.fill("groups", members=[names] * CONVERSATIONS)
    site.fill("messages", conversations=groups, each=MESSAGES)
    return people[0], {"login": "/login", "list": "/", "chat": f"/chats/{groups[0]}"}


async def _visit(browser: Browser, site: Site, account: Account | None, path: str) -> Visit:
    context = await browser.new_context(base_url=f"http://{site.server.address}")
    if account:
        cookie = {"name": "sessionid", "value": account["session"]}
        await context.add_cookies([{**cookie, "url": f"http://{site.server.address}"}])
    page = await context.new_page()
    client = await context.new_cdp_session(page)
    await client.send("Network.enable")
    await client.send("Network.emulateNetworkConditions", NETWORK)
    await client.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    sizes: list[int] = []

    def add_size(event: dict[str, Any]) -> None:
        sizes.append(event["encodedDataLength"])

    client.on("Network.loadingFinished", add_size)
    page.set_default_timeout(TIMEOUT_SECONDS * 1000)
    await page.goto(path)
    await page.wait_for_load_state("networkidle")
    first_paint, content_loaded = await page.evaluate(TIMES)
    await context.close()
    return Visit(len(sizes), sum(sizes) / 1000, first_paint, content_loaded)


def _line(name: str, visits: list[Visit]) -> Line:
    columns = zip(*(asdict(visit).values() for visit in visits), strict=True)
    middle = Visit(*map(statistics.median, columns))
    line = Line(
        "first-visit",
        f"{name} page, 1.6 Mbit/s, {ROUND_TRIP_MS} ms, processor slowed {CPU_SLOWDOWN} times",
        facts={"first paint ms": three_figures(middle.first_paint_ms)},
    )
    line.want("requests", middle.requests, MOST_REQUESTS, is_ceiling=True)
    line.want("kB", middle.kilobytes, MOST_KILOBYTES, is_ceiling=True)
    return line.want(
        "DOMContentLoaded ms",
        middle.content_loaded_ms,
        MOST_MS,
        is_ceiling=True,
        if_missed="parsing, layout and scripts; the network is done before",
    )
