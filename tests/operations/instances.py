"""Another instance of ChatFlow, with its own DATA_DIR and database, run in subprocesses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.resilience.servers import PROJECT, Variables, environment, new_database

# Prints the messages of each conversation as id → [[seq, message id, body], …].
READER = """
import json, django
django.setup()
from messaging.models import Message
history = {}
for message in Message.objects.select_related("conversation", "sender").order_by("seq"):
    place = history.setdefault(str(message.conversation_id), [])
    place.append([message.seq, str(message.id), message.body])
print(json.dumps(history))
"""


@dataclass
class Instance:
    data_dir: Path
    variables: Variables

    def manage(self, *arguments: str, **streams: object) -> subprocess.CompletedProcess[str]:
        return self.run("manage.py", *arguments, **streams)

    def history(self) -> dict[str, list[tuple[int, str, str]]]:
        done = self.run("-c", READER)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run(self, *arguments: str, **streams: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=environment(self.variables),
            text=True,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams,
        )


@contextmanager
def another_instance(data_dir: Path, **variables: str) -> Iterator[Instance]:
    """Yield an empty instance on this run's engine with its keys; `variables` override settings."""
    is_a_file = connection.vendor == "sqlite"
    with nullcontext("") if is_a_file else new_database(os.environ["DATABASE_URL"]) as url:
        ours = {
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": url,
            "MESSAGE_KEYS": ",".join(settings.MESSAGE_KEYS),
        }
        yield Instance(data_dir, ours | variables)
