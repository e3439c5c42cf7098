"""Where the login page leads: to the page that was asked for, if it is one of ours."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Login
from tests.conftest import PASSWORD


def log_in(next_page):
    return Client().post(
        "/login", {"login": "alice", "password": PASSWORD}, query_params={"next": next_page}
    )


def test_alice_is_led_to_where_she_was_going(alice):
    assert log_in("/settings?a=b")["Location"] == "/settings?a=b"


@pytest.mark.parametrize("address", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_leads_her_elsewhere(alice, address):
    assert log_in(address)["Location"] == "/"


@pytest.mark.parametrize("name", ["foo", "logout", "settings", "foo/bar", "admin:index"])
def test_what_is_no_address_is_no_name_of_a_page_either(browser, alice, name):
    there = browser(alice).get("/login", {"next": name})

    assert (log_in(name)["Location"], there["Location"]) == ("/", "/")
    assert Login.objects.filter(kind=Login.Kind.BROWSER).count() == 2
