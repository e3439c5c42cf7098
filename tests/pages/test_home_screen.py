"""The web app manifest for the home screen of a phone."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from PIL import Image


def test_pages_link_to_the_manifest(client, db):
    page = client.get("/login").content.decode()

    answer = client.get("/manifest.webmanifest")

    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert answer["Content-Type"] == "application/manifest+json"
    assert (answer.json()["name"], answer.json()["start_url"]) == ("ChatFlow", "/")


def test_icons_have_the_sizes_of_the_manifest(client, db):
    icons = client.get("/manifest.webmanifest").json()["icons"]

    assert {icon["purpose"] for icon in icons} == {"any", "maskable"}
    for icon in icons:
        with Image.open(finders.find(icon["src"].removeprefix("/static/"))) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]
