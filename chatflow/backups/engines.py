"""The database as one file and back, for each engine."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from django.db import connection

from chatflow.backups import postgresql, sqlite


class Engine(Protocol):
    FILE_NAME: str  # in the archive
    COMPRESSION: int  # of that file there

    def snapshot(self, path: Path) -> None:
        """The database as it is at one moment; nobody waits for it."""

    def check(self, path: Path) -> None:
        """Raises BackupProblem for a file that cannot be loaded."""

    def load(self, path: Path) -> None:
        """Puts the file's content in place of what is here, which is nothing anybody needs."""


def engine_here() -> Engine:
    engines: dict[str, Engine] = {"sqlite": sqlite, "postgresql": postgresql}
    return engines[connection.vendor]
