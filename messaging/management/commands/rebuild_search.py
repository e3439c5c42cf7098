"""`manage.py rebuild_search` rebuilds the search indexes of messages and users."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from accounts.services import rebuild_name_index
from messaging.search.rebuild import rebuild_index


class Command(BaseCommand):
    help = (
        "Rebuilds the search indexes of messages and users, for example after restoring a backup "
        "or changing the tokenizer. Users can keep writing meanwhile."
    )

    def handle(self, *args: object, **options: object) -> None:
        users, segments = rebuild_name_index(), rebuild_index()
        self.stdout.write(f"Indexed {users} users and {segments} segments of messages.")
