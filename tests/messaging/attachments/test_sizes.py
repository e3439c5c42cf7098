"""How sizes of files are written."""

from __future__ import annotations

import pytest
from django.utils import translation

from messaging.templatetags.attachments import filesize

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "english", "german"),
    [
        (0, "0 B", "0 B"),
        (1023, "1023 B", "1023 B"),
        (1024, "1 kB", "1 kB"),
        (10_000, "10 kB", "10 kB"),
        (MIB, "1 MB", "1 MB"),
        (MIB * 5 // 4, "1.3 MB", "1,3 MB"),
        (25 * MIB, "25 MB", "25 MB"),
        (5000 * 1024 * MIB, "5000 GB", "5000 GB"),
    ],
)
def test_size_is_short_and_in_the_readers_language(size, english, german):
    for language, text in (("en", english), ("de", german)):
        with translation.override(language):
            assert filesize(size) == text.replace(" ", "\u00a0")
