"""The initials that replace a missing avatar."""

from __future__ import annotations

import pytest

from accounts.templatetags.components import initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada Lovelace", "AL"),
        ("alice", "A"),
        ("山田 太郎", "山太"),
        ("🇩🇪 Team", "T"),
        ("🇩🇪🇫🇷", "🇩🇪"),
        ("👩‍🚀👍", "👩‍🚀"),
        ("👍🏽!", "👍🏽"),
        ("❤️❤️", "❤️"),
        ("!?", "!"),
        ("", ""),
    ],
)
def test_initials_are_whole_characters(name, expected):
    assert initials(name) == expected
