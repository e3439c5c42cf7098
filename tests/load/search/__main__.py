"""Measure the search: `python -m tests.load.search`, on SQLite or on the server of DATABASE_URL.

The benchmark searches one conversation of a million messages, and two hundred conversations of one
user. It prints how long the first page takes over the API (in the process, without a network), and
the size of the index.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.resilience.servers import new_database

IS_CHILD = "CHATFLOW_SEARCH_BENCHMARK"


def main() -> None:
    if IS_CHILD in os.environ:
        from tests.load.search.measuring import measure

        return measure(_arguments())
    with _database() as variables:
        command = [sys.executable, "-m", "tests.load.search", *sys.argv[1:]]
        subprocess.run(command, env=os.environ | variables | {IS_CHILD: "1"}, check=True)


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Create a new database, and yield the environment variables that select it."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            "DJANGO_SETTINGS_MODULE": "chatflow.settings",
            "DATA_DIR": folder,
            "REDIS_URL": "",
            "THROTTLE": "off",
        }
        if not (server := os.environ.get("DATABASE_URL")):
            yield variables
        else:
            with new_database(server) as url:
                yield variables | {"DATABASE_URL": url}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.load.search", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="in the one conversation")
    parser.add_argument("--conversations", type=int, default=200, help="of the other user")
    parser.add_argument("--each", type=int, default=500, help="messages in each of them")
    parser.add_argument("--live", type=int, default=5000, help="messages sent one by one")
    parser.add_argument("--times", type=int, default=15, help="how often each search is repeated")
    return parser.parse_args()


if __name__ == "__main__":
    main()
