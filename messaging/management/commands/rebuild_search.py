"""`manage.py rebuild_search`: lets search find what was said without the index."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from messaging.rebuilding import forget_everything, work_off_backlog


class Command(BaseCommand):
    help = (
        "Puts messages into the search's index that are not there yet, as after an upgrade. People "
        "may go on writing; it may be killed, and goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--afresh", action="store_true", help="forget the index and put everything into it"
        )

    def handle(self, *args: object, afresh: bool, **options: object) -> None:
        if afresh:
            forget_everything()
        if not work_off_backlog():
            self.stdout.write("Nothing is left to do: all messages are in the index.")
