"""What can be configured is told to the operator, in both places, and nothing else is."""

from __future__ import annotations

import re

from chatflow.environment import read_environment
from tests.truth.servers import PROJECT

UNTOLD = {"DEBUG"}  # for developers: the README says it, nobody should set it in a file


class Asked(dict[str, str]):
    """Remembers what it was asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:
        self.names.add(name)
        return super().get(name, default)


def names_of_settings(folder) -> set[str]:
    asked = Asked({"DATA_DIR": str(folder)})
    read_environment(asked, project=folder)
    return asked.names


def test_the_readmes_table_equals_the_settings(tmp_path):
    section = (PROJECT / "README.md").read_text().partition("\n## Configuration\n")[2]
    table = section.partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)

    told = set(re.findall(r"`([A-Z_]+)`", " ".join(first_cells)))

    assert told == names_of_settings(tmp_path)


def test_the_example_file_equals_the_settings(tmp_path):
    told = set(re.findall(r"^#?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M))

    assert told == names_of_settings(tmp_path) - UNTOLD
