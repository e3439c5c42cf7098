"""Measures search: `python -m tests.load.search`, on SQLite, or on the server of DATABASE_URL.

In one conversation of a million messages, and across a person's two hundred conversations: how long
the first page takes over the API (in process, without a network), and how large the index is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.truth.servers import new_database

MARK = "CHATFLOW_SEARCH_BENCHMARK"


def main() -> None:
    if MARK in os.environ:
        from tests.load.search.measuring import measure

        return measure(_wanted())
    with _place() as variables:
        command = [sys.executable, "-m", "tests.load.search", *sys.argv[1:]]
        subprocess.run(command, env=os.environ | variables | {MARK: "1"}, check=True)


@contextmanager
def _place() -> Iterator[dict[str, str]]:
    """A database that nobody else uses."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"DATA_DIR": folder, "REDIS_URL": "", "THROTTLE": "off"}
        if not (server := os.environ.get("DATABASE_URL")):
            yield variables
        else:
            with new_database(server) as url:
                yield variables | {"DATABASE_URL": url}


def _wanted() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.load.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="of the one conversation")
    parser.add_argument("--conversations", type=int, default=200, help="of the other person")
    parser.add_argument("--each", type=int, default=500, help="messages of each of them")
    parser.add_argument("--live", type=int, default=5000, help="messages sent by the service")
    parser.add_argument("--times", type=int, default=15, help="that each search is repeated")
    return parser.parse_args()


if __name__ == "__main__":
    main()
