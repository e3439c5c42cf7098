"""What the README tells people to type does what it says."""

from __future__ import annotations

import re
import subprocess

from tests.truth.servers import PROJECT


def test_the_api_in_ten_minutes_works_as_it_is_pasted(server, program):
    program("alice")
    section = (PROJECT / "README.md").read_text().partition("## The API in ten minutes")[2]
    [commands] = re.findall(r"^```sh\n(.*?)^```", section.partition("\n## ")[0], re.M | re.S)

    typed = commands.replace("localhost:8000", server.address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("Hello from a program") == 3  # sent, in the history, found
