#!/usr/bin/env python
"""Django's command line for ChatFlow."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from chatflow.environment import EnvironmentProblem


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatflow.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvironmentProblem as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
