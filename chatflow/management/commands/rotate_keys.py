"""`manage.py rotate_keys`: re-encrypt conversation keys with the first of MESSAGE_KEYS."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatflow.operations.key_usage import NO_KEY, count_conversations_by_key, fingerprint
from chatflow.operations.progress import with_progress
from conversations.encryption.rotation import Outcome, StoredKeys, rewrap


class Command(BaseCommand):
    help = (
        "Re-encrypts the key of every conversation with the first of MESSAGE_KEYS. Safe while "
        "people write; can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; succeed if only the first key is still in use",
        )

    def handle(self, *args: object, check: bool, **options: object) -> None:
        if check:
            self._require_first_key_only()
        else:
            self._rotate()

    def _rotate(self) -> None:
        stored = with_progress(StoredKeys(), "Keys of conversations")
        outcomes = Counter(rewrap(*key) for key in stored)
        for outcome in (Outcome.REWRAPPED, Outcome.UNCHANGED):
            self.stdout.write(f"{outcomes[outcome]} {outcome.value}.")
        if unreadable := outcomes[Outcome.UNREADABLE]:
            raise CommandError(f"{unreadable} {Outcome.UNREADABLE.value}.")

    def _require_first_key_only(self) -> None:
        used = count_conversations_by_key()
        first = fingerprint(settings.MESSAGE_KEYS[0])
        older = {name: count for name, count in used.items() if name != first}
        if older:
            raise CommandError("\n".join(_problem(name, count) for name, count in older.items()))
        self.stdout.write(
            f"All {used.get(first, 0)} conversations are under the first key, {first}. The others "
            "can be removed. Older backups still need them."
        )


def _problem(name: str, count: int) -> str:
    if name == NO_KEY:
        return f"{count} conversations are {Outcome.UNREADABLE.value}."
    return f"{count} conversations need the older key {name}. Run: manage.py rotate_keys"
