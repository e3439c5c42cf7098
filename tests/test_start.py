"""Every way to start ChatFlow reports each wrong environment variable in one line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
WRONG = {"PORT": "front door", "REGISTRATION": "perhaps", "DATABASE_URL": "mysql://localhost/chat"}
PROBLEMS = [
    "PORT must be a port number from 1 to 65535.",
    "DATABASE_URL must be a postgres:// URL.",
    "REGISTRATION must be “open” or “closed”.",
]
WAYS_TO_START = [
    "manage.py check",
    "manage.py migrate",
    "manage.py prepare",
    "manage.py runserver",
    "manage.py serve",
    "-m daphne chatflow.asgi:application",
    "-c 'import chatflow.asgi'",
]


@pytest.fixture
def start(tmp_path):
    """start("manage.py check", PORT="x") runs a command to its end."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=PROJECT,
            env=os.environ | {"DATA_DIR": str(tmp_path), "PYTHONUTF8": "1"} | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize("words", WAYS_TO_START)
def test_each_problem_is_reported_in_one_line(start, words):
    result = start(*shlex.split(words), **WRONG)

    assert result.returncode == 1
    assert result.stderr.splitlines() == PROBLEMS


def test_unavailable_database_is_reported_in_one_line(start):
    result = start(
        "manage.py", "prepare", DATABASE_URL="postgres://127.0.0.1:1/chat?connect_timeout=1"
    )

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("CommandError: The database cannot be reached")
