#!/usr/bin/env python
"""Django's command line for ChatFlow."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from chatflow.environment import EnvironmentProblem, load_dotenv
from chatflow.secret_files import create_data_directory

PROJECT = Path(__file__).resolve().parent


def main() -> None:
    os.umask(0o077)  # what ChatFlow writes is for its owner only
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatflow.settings")
    if sys.argv[1:2] in (["prepare"], ["restore"]):  # the settings read the secrets that it creates
        load_dotenv(PROJECT / ".env")
        create_data_directory(os.environ, project=PROJECT)
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentProblem as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
