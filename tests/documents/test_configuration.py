"""README and .env.example document exactly the variables that can be set."""

from __future__ import annotations

import re

from chatflow.environment import VARIABLES
from tests.resilience.servers import PROJECT

SETTINGS = {*VARIABLES, "SECRET_KEY", "MESSAGE_KEYS"}
NOT_IN_EXAMPLE = {"DEBUG"}  # for developers, who set it with `make dev`


def test_readme_documents_every_variable():
    section = (PROJECT / "README.md").read_text().partition("\n## Configuration\n")[2]
    table = section.partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", table, re.M)

    documented = set(re.findall(r"`([A-Z_]+)`", " ".join(first_cells)))

    assert documented == SETTINGS


def test_example_file_documents_every_variable():
    documented = set(re.findall(r"^#?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.M))

    assert documented == SETTINGS - NOT_IN_EXAMPLE
