"""`manage.py backup PATH`: write database and uploads into one archive."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chatflow.operations.backup import back_up
from chatflow.operations.key_usage import NO_KEY


class Command(BaseCommand):
    help = "Backs up the database and the uploads into one archive, without the encryption keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="path of a new file, or - for standard output")

    def handle(self, *args: object, path: str, **options: object) -> None:
        manifest = back_up(path)
        self._report(f"Backed up the {manifest.engine} database and {manifest.uploads} uploads.")
        keys_file = settings.DATA_DIR / "message_keys"
        place = keys_file.parent if keys_file.exists() else "your environment"
        self._report(
            "MESSAGE_KEYS and SECRET_KEY are deliberately not included. Store them separately; "
            f"without MESSAGE_KEYS nobody can read this backup. They are in {place}."
        )
        if unreadable := manifest.keys.get(NO_KEY):
            self._report(f"The current MESSAGE_KEYS cannot decrypt {unreadable} conversations.")

    def _report(self, line: str) -> None:
        """Write to standard error, because standard output may be the archive."""
        self.stderr.write(line, style_func=str)
