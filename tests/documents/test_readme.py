"""The README's commands work, and its table lists every endpoint."""

from __future__ import annotations

import re
import subprocess

from tests.documents.test_schema import operations, schema
from tests.resilience.servers import PROJECT

__all__ = ["operations", "schema"]  # fixtures

README = (PROJECT / "README.md").read_text()


def test_api_commands_in_the_readme_work(server, program):
    program("alice")
    section = README.partition("## The API\n")[2]
    [commands] = re.findall(r"^```sh\n(.*?)^```", section.partition("\n## ")[0], re.M | re.S)

    typed = commands.replace("localhost:8000", server.address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("Hello from a program") == 3  # sent, in the history, found


def test_table_of_endpoints_equals_the_schema(operations):
    section = README.partition("## The API\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z]+ /\S+)` \| ([^|]+) \|", section, re.M)

    assert dict(rows) == {
        name.replace("_id}", "}"): operation["summary"] for name, operation in operations.items()
    }
