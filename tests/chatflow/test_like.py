"""LIKE means the same on both engines."""

from __future__ import annotations

import pytest

from accounts.models import User
from chatflow.sqlite.like import like


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("öz%", "Özgür", True),
        ("%GÜR", "özgür", True),
        ("a_c", "abc", True),
        ("a_c", "abbc", False),
        ("a\\%", "a%", True),
        ("a\\%", "ab", False),
        ("a%z", "a\nz", True),
        ("a.c", "abc", False),
    ],
)
def test_what_is_like_what(pattern, text, matches):
    assert like(pattern, text, "\\") is matches


def test_nothing_is_like_null():
    assert like(None, "a") is None


def test_people_are_found_in_any_case_and_any_letters(person):
    person("ozgur", display_name="Özgür Şahin")

    found = User.objects.matching("öz") | User.objects.matching("ŞA")

    assert [user.username for user in found] == ["ozgur"]
