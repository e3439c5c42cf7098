"""The login page redirects to `next` if it is a local URL."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Login
from tests.conftest import PASSWORD


def log_in(next_page):
    return Client().post(
        "/login", {"login": "alice", "password": PASSWORD}, query_params={"next": next_page}
    )


def test_login_redirects_to_the_requested_page(alice):
    assert log_in("/settings?a=b")["Location"] == "/settings?a=b"


@pytest.mark.parametrize("address", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_url_of_another_site_is_ignored(alice, address):
    assert log_in(address)["Location"] == "/"


@pytest.mark.parametrize("name", ["foo", "logout", "settings", "foo/bar", "admin:index"])
def test_name_of_a_view_is_ignored(browser, alice, name):
    there = browser(alice).get("/login", {"next": name})

    assert (log_in(name)["Location"], there["Location"]) == ("/", "/")
    assert Login.objects.filter(kind=Login.Kind.BROWSER).count() == 2
