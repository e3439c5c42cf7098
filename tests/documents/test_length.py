"""The documents stay short, and the sizes in them are about right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.resilience.servers import PROJECT

GENERATED = re.compile(r"<!-- (?!end)\w+ -->.*?<!-- end -->", re.DOTALL)
MOST_WORDS = 9_000
MOST_WORDS_OF_README = 1_500


def words(paths: Iterable[Path]) -> int:
    """Count the words that contain a letter, which excludes figures and the borders of tables.

    Generated tables are left out.
    """
    prose = (GENERATED.sub("", path.read_text()) for path in paths)
    return sum(len(re.findall(r"\S*[^\W\d_]\S*", text)) for text in prose)


def test_all_documents_together_are_short():
    assert words([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]) <= MOST_WORDS


def test_readme_is_short():
    assert words([PROJECT / "README.md"]) <= MOST_WORDS_OF_README


def test_sizes_of_our_own_machinery_are_about_right():
    page = (PROJECT / "ARCHITECTURE.md").read_text().partition("## Our own machinery")[2]
    documented = {
        path: int(lines) for path, lines in re.findall(r"^\| `([a-z/]+)` \| (\d+) \|", page, re.M)
    }
    sizes = {path: lines_of(path) for path in documented}

    assert documented
    assert [
        path for path in documented if abs(documented[path] - sizes[path]) > sizes[path] / 5
    ] == []


def lines_of(package: str) -> int:
    return sum(len(path.read_text().splitlines()) for path in (PROJECT / package).rglob("*.py"))
