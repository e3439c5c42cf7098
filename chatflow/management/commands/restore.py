"""`manage.py restore PATH`: fill an instance without users from a backup."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatflow.operations.backup import restore
from chatflow.server import instance_lock


class Command(BaseCommand):
    help = (
        "Restores a backup into an instance without users and migrates it. "
        "Changes nothing if it fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="a file that `backup` wrote, or - for standard input")

    def handle(self, *args: object, path: str, **options: object) -> None:
        try:
            if settings.ALONE:
                instance_lock.hold(settings.DATA_DIR)
        except instance_lock.AlreadyServed as problem:
            raise CommandError(problem) from None
        manifest = restore(path)
        self.stdout.write(
            f"Restored the backup that ChatFlow {manifest.chatflow} made at {manifest.made_at}, "
            f"with {manifest.uploads} uploads, and migrated it to this version."
        )
