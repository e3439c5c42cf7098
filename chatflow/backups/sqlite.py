"""SQLite's own online backup, both ways."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED

from django.db import connection

from chatflow.backups.problems import BackupProblem

FILE_NAME = "database.sqlite3"
COMPRESSION = ZIP_DEFLATED


def snapshot(path: Path) -> None:
    # In one step: with pauses in between, each write of somebody's would start it afresh.
    with closing(sqlite3.connect(path)) as copy:
        _live().backup(copy)


def check(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as copy:
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        raise BackupProblem(f"The backup's database is damaged: {verdict}.")


def load(path: Path) -> None:
    # Through the engine, not by exchanging files: whoever has it open stays right, and a WAL of
    # the old database is not played into the new one.
    with closing(sqlite3.connect(path)) as copy:
        copy.backup(_live())


def _live() -> sqlite3.Connection:
    connection.ensure_connection()
    live: sqlite3.Connection = connection.connection
    return live
