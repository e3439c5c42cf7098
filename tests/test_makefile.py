"""What the Makefile installs, runs and reports on a fresh clone and on later starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
NOBODY_LISTENS = "127.0.0.1:1"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", *LOCKS):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


@pytest.fixture
def installed_clone(clone: Path) -> Path:
    """A clone after `make test`, whose Python only records its arguments."""
    _write_script(clone / ".venv/bin/python", 'echo "$@" >> calls')
    for name in LOCKS:
        shutil.copy(clone / name, clone / ".venv")
    return clone


def test_missing_python_is_reported_in_one_line(clone):
    result = _make("run", "PYTHON=no-such-python", cwd=clone)

    assert result.returncode != 0
    assert _complaints(result) == [
        "ChatFlow needs Python 3.11 or newer. Install it, or name it: "
        "make run PYTHON=/path/to/python3"
    ]


def test_python_without_venv_is_told_what_to_install(clone):
    _write_script(clone / "python", 'case "$2" in *venv*) echo No ensurepip >&2; exit 1;; esac')

    result = _make("run", "PYTHON=./python", cwd=clone)

    assert result.returncode != 0
    assert _complaints(result) == [
        "./python is not complete (No ensurepip). "
        "On Debian or Ubuntu: sudo apt install python3-venv"
    ]


def test_second_start_installs_nothing(installed_clone):
    _make("run", cwd=installed_clone).check_returncode()

    assert _calls(installed_clone) == ["manage.py prepare", "manage.py serve"]


@pytest.mark.parametrize(
    ("target", "lock"), [("install", "requirements.txt"), ("install-dev", "requirements-dev.txt")]
)
def test_changed_lock_is_installed_once(installed_clone, target, lock):
    (installed_clone / lock).write_text("# changed\n")

    for _ in range(2):
        _make(target, cwd=installed_clone).check_returncode()

    (installation,) = _calls(installed_clone)
    assert installation.endswith(f"--require-hashes -r {lock}")


def test_failed_installation_is_repeated(installed_clone):
    (installed_clone / "requirements.txt").write_text("# changed\n")
    _write_script(installed_clone / ".venv/bin/python", '[ "$1" != -m ]')

    assert _make("install", cwd=installed_clone).returncode != 0
    assert not list((installed_clone / ".venv").glob("requirements*.txt"))


@pytest.mark.parametrize(
    ("missing", "urls"),
    [
        ("DATABASE_URL is not set", {}),
        (
            "DATABASE_URL: no PostgreSQL answers",
            {"DATABASE_URL": f"postgres://postgres@{NOBODY_LISTENS}/x"},
        ),
    ],
)
def test_missing_services_are_reported_in_one_line(missing, urls):
    result = subprocess.run(
        [sys.executable, PROJECT / ".ci/services.py"],
        env=_environment() | {"DATABASE_URL": "", "REDIS_URL": f"redis://{NOBODY_LISTENS}"} | urls,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert result.stderr.startswith(missing)
    assert result.stderr.count("\n") == 1


def _make(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    """Return the environment without the variables of an outer `make test`."""
    inherited = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
    return {name: value for name, value in os.environ.items() if name not in inherited}


def _complaints(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in result.stderr.splitlines() if not line.startswith("make:")]


def _calls(clone: Path) -> list[str]:
    """Return the calls of the fake Python, except those that ask for its version."""
    calls = (clone / "calls").read_text().splitlines()
    return [call for call in calls if not call.startswith("-c ")]


def _write_script(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
