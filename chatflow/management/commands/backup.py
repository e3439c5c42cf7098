"""`manage.py backup PATH`: database and uploads in one archive, while people go on writing."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatflow.backups import back_up
from chatflow.backups.keys import NO_KEY
from chatflow.backups.problems import BackupProblem


class Command(BaseCommand):
    help = "Backs up database and uploads into one archive. The keys are kept out of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="a new file, or - for standard output")

    def handle(self, *args: object, path: str, **options: object) -> None:
        try:
            manifest = back_up(path)
        except BackupProblem as problem:
            raise CommandError(problem) from None
        self._tell(f"Backed up: the {manifest.engine} database and {manifest.uploads} uploads.")
        self._tell(
            "Not in it, on purpose: MESSAGE_KEYS and SECRET_KEY. Keep them in another place; "
            f"without MESSAGE_KEYS nobody can read this backup. {_where_keys_are()}"
        )
        if unreadable := manifest.keys.get(NO_KEY):
            self._tell(f"{unreadable} conversations cannot be read with today's MESSAGE_KEYS.")

    def _tell(self, line: str) -> None:
        # On standard error, because standard output may be the archive; but it is no error.
        self.stderr.write(line, style_func=str)


def _where_keys_are() -> str:
    kept = settings.DATA_DIR / "message_keys"
    return f"They are in {kept.parent}." if kept.exists() else "They are in your environment."
