"""ChatFlow on a phone's home screen: a name, an icon that is there, and where it begins."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from PIL import Image


def test_a_page_leads_to_what_a_home_screen_needs(client, db):
    page = client.get("/login").content.decode()

    answer = client.get("/manifest.webmanifest")

    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert answer["Content-Type"] == "application/manifest+json"
    assert (answer.json()["name"], answer.json()["start_url"]) == ("ChatFlow", "/")


def test_its_icons_are_as_large_as_it_says(client, db):
    icons = client.get("/manifest.webmanifest").json()["icons"]

    assert {icon["purpose"] for icon in icons} == {"any", "maskable"}
    for icon in icons:
        with Image.open(finders.find(icon["src"].removeprefix("/static/"))) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]
