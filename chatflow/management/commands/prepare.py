"""`manage.py prepare`: migrate, collect static files and create the demo; safe to repeat."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from accounts.models import User
from messaging.management.commands.demo import sign_in_line

# Large files that /docs does not use and that would take longest to hash and compress.
UNUSED_STATIC = ("redoc*", "swagger-ui-es-bundle*", "swagger-ui.js*")


class Command(BaseCommand):
    help = "Migrates, collects static files and, in an empty embedded instance, creates the demo."

    def handle(self, *args: object, **options: object) -> None:
        _require_database()
        call_command("migrate", verbosity=0)
        self.stdout.write("Database is up to date.")
        if not settings.DEBUG:
            self._collect_static()
        if settings.EMBEDDED and not User.objects.exists():
            call_command("demo", stdout=self.stdout)
        elif line := sign_in_line():
            self.stdout.write(line)

    def _collect_static(self) -> None:
        stamp, sources = Path(settings.STATIC_ROOT) / ".sources", _fingerprint_of_sources()
        if not stamp.exists() or stamp.read_text() != sources:
            call_command(
                "collectstatic",
                interactive=False,
                ignore_patterns=list(UNUSED_STATIC),
                verbosity=0,
            )
            stamp.write_text(sources)
        self.stdout.write("Static files are collected.")


def _require_database() -> None:
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise CommandError(f"The database cannot be reached: {error}") from None


def _fingerprint_of_sources() -> str:
    """Return a digest of all static files, because collecting them again takes seconds."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(UNUSED_STATIC):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
