"""Why a backup or a restore did not happen."""

from __future__ import annotations


class BackupProblem(Exception):
    """One line for the operator; nothing was changed."""
