"""Describe the machine of the measurements."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg
import redis

from tests.load.processes import CORES
from tests.load.site import is_on_services


def this_machine() -> dict[str, str]:
    return {
        "Processor": f"{_from_proc('cpuinfo', 'model name')}, {len(CORES) or os.cpu_count()} cores",
        "Memory": f"{int(_from_proc('meminfo', 'MemTotal').split()[0]) // 1024**2} GiB",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Libraries": ", ".join(
            f"{name} {version(name)}" for name in ("Django", "channels", "daphne", "Twisted")
        ),
        "Data": _services() if is_on_services() else f"SQLite {sqlite3.sqlite_version}",
        "Measured": datetime.now(UTC).strftime("%-d %B %Y"),
    }


def _services() -> str:
    with psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres") as connection:
        postgres = connection.info.parameter_status("server_version")
    with redis.from_url(os.environ["REDIS_URL"]) as client:
        return f"PostgreSQL {postgres}, Redis {client.info('server')['redis_version']}"


def _from_proc(name: str, field: str) -> str:
    for line in Path(f"/proc/{name}").read_text().splitlines():
        if line.startswith(field):
            return line.partition(":")[2].strip()
    return "0"
