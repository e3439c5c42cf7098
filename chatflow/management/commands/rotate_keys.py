"""`manage.py rotate_keys`: every conversation's key under the first of MESSAGE_KEYS."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatflow.backups.keys import NO_KEY, fingerprint, in_use
from chatflow.progress import with_progress
from conversations.rotation import Outcome, StoredKeys, rewrap


class Command(BaseCommand):
    help = (
        "Wraps the key of every conversation anew, under the first of MESSAGE_KEYS. People may go "
        "on writing, and it may be killed and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; succeed when the keys after the first one may be dropped",
        )

    def handle(self, *args: object, check: bool, **options: object) -> None:
        if check:
            self._require_first_key_only()
        else:
            self._rotate()

    def _rotate(self) -> None:
        stored = with_progress(StoredKeys(), "Keys of conversations")
        outcomes = Counter(rewrap(*key) for key in stored)
        for outcome in (Outcome.REWRAPPED, Outcome.NEW_ALREADY):
            self.stdout.write(f"{outcomes[outcome]} {outcome.value}.")
        if unreadable := outcomes[Outcome.UNREADABLE]:
            raise CommandError(f"{unreadable} {Outcome.UNREADABLE.value}.")

    def _require_first_key_only(self) -> None:
        used = in_use()
        first = fingerprint(settings.MESSAGE_KEYS[0])
        older = {name: count for name, count in used.items() if name != first}
        if older:
            raise CommandError("\n".join(_told(name, count) for name, count in older.items()))
        self.stdout.write(
            f"All {used.get(first, 0)} conversations are under the first key, {first}. The others "
            "may be dropped; a backup that was made before needs them still."
        )


def _told(name: str, count: int) -> str:
    if name == NO_KEY:
        return f"{count} conversations are {Outcome.UNREADABLE.value}."
    return f"{count} conversations need the older key {name}. Run: manage.py rotate_keys"
