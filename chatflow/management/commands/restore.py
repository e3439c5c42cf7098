"""`manage.py restore PATH`: what `backup` wrote, into an instance that has nobody yet."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatflow import single
from chatflow.backups import restore
from chatflow.backups.problems import BackupProblem


class Command(BaseCommand):
    help = "Restores a backup into an empty instance, and migrates it. Changes nothing on failure."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="a file that `backup` wrote, or - for standard input")

    def handle(self, *args: object, path: str, **options: object) -> None:
        try:
            if settings.ALONE:
                single.hold(settings.DATA_DIR)
            manifest = restore(path)
        except (BackupProblem, single.AlreadyServed) as problem:
            raise CommandError(problem) from None
        self.stdout.write(
            f"Restored what ChatFlow {manifest.chatflow} backed up at {manifest.made_at}, with "
            f"{manifest.uploads} uploads; migrated to this version."
        )
