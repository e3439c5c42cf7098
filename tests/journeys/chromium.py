"""Find and start Chromium, for the journeys and for the benchmark of first visits."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    *("--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"),
    "--use-fake-device-for-media-stream",  # a microphone that beeps
]


@cache
def find_chromium() -> str | None:
    """Return the system's Chromium, else the one that Playwright has downloaded."""
    return next(filter(None, map(shutil.which, NAMES)), None) or _downloaded_chromium()


def _downloaded_chromium() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def launch_options() -> dict[str, Any]:
    """Return the arguments of Playwright's `launch`. Chromium's sandbox does not work for root."""
    arguments = ARGUMENTS + ["--no-sandbox"] * (os.getuid() == 0)
    return {"executable_path": find_chromium(), "args": arguments}
