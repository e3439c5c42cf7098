"""A chat page stays light, also on a poor line."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

from django.contrib.staticfiles import finders

MOST_BYTES = (
    100_000  # compressed; what is loaded only when asked for, like the emoji, is not counted
)
LOADED = re.compile(r'(?:<link rel="stylesheet" href|<script src)="([^"]+)"')
IMPORTED = re.compile(r'^import\s(?:[^"]*\sfrom\s)?"([^"]+)";', re.MULTILINE)


def test_the_styles_and_scripts_of_a_chat_are_below_100_kb(browser, alice, direct):
    client = browser(alice)
    page = client.get(f"/chats/{direct.id}").content.decode()
    weights = {}

    def weigh(address):
        if address in weights:
            return
        if address.startswith("/static/"):
            content = Path(finders.find(address.removeprefix("/static/"))).read_bytes()
        else:
            content = client.get(address).content
        weights[address] = len(gzip.compress(content))
        for imported in IMPORTED.findall(content.decode()):
            weigh(urljoin(address, imported))

    for address in LOADED.findall(page):
        weigh(address)

    assert len(weights) > 50  # premise: it looked into the modules as well
    assert sum(weights.values()) < MOST_BYTES, weights
