"""PostgreSQL through its own tools, which must be as new as the server or newer."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from zipfile import ZIP_STORED

from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

from chatflow.backups.problems import BackupProblem

FILE_NAME = "database.dump"
COMPRESSION = ZIP_STORED  # it is compressed by itself
# Whoever restores owns what is restored; comments on extensions need a superuser.
FOR_ANY_OWNER = ("--no-owner", "--no-privileges", "--no-comments")


def snapshot(path: Path) -> None:
    _run("pg_dump", "--format=custom", *FOR_ANY_OWNER, f"--file={path}", *_where())


def check(path: Path) -> None:
    _run("pg_restore", "--list", str(path))


def load(path: Path) -> None:
    _drop_empty_tables()
    _run(
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        *FOR_ANY_OWNER,
        *_where()[:-1],
        f"--dbname={_where()[-1]}",
        str(path),
    )


def _drop_empty_tables() -> None:
    """All of them: a table that the backup does not know would hold on to those it does."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        if tables:
            names = ", ".join(connection.ops.quote_name(table) for table in tables)
            cursor.execute(f"DROP TABLE {names} CASCADE")


def _where() -> list[str]:
    """Who and where, as psql takes it, the database last."""
    arguments, _environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    return arguments[1:]


def _secrets() -> dict[str, str]:
    """Not as arguments, which everybody on the machine can read."""
    _arguments, environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    return environment or {}


def _run(tool: str, *arguments: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise BackupProblem(
            f"{tool} is not installed. On Debian or Ubuntu: apt install postgresql-client"
        )
    done = subprocess.run(  # noqa: S603 (the settings' own words, and no shell)
        [program, *arguments],
        env=os.environ | _secrets(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupProblem(f"{tool} failed: {_in_one_line(done.stderr)}")


def _in_one_line(complaints: str) -> str:
    """The first two lines: `server version mismatch` has the versions in the second."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    return " ".join(lines[:2]) or "it did not say why."
