"""`manage.py check_attachments` finds files of no attachment and attachments without their file."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.attachments import checking
from messaging.attachments.services import delete_expired


class Command(BaseCommand):
    help = (
        "Lists stored files that belong to no attachment, and attachments whose file is missing. "
        "With --repair it removes both, and uploads that were never sent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="remove what is listed")

    def handle(self, *args: object, repair: bool, **options: object) -> None:
        if repair:
            while delete_expired():
                pass
        found = 0
        for attachment in checking.rows_without_files():
            found += 1
            self.stdout.write(f"Attachment {attachment.id} has no file.")
            if repair:
                checking.remove_row(attachment)
        for path in checking.files_without_rows():
            found += 1
            self.stdout.write(f"File {path} belongs to no attachment.")
            if repair:
                checking.remove_file(path)
        if found and not repair:
            raise CommandError(f"{found} problems. Run with --repair to remove them.")
        self.stdout.write(f"{found} problems repaired." if found else "Everything fits together.")
