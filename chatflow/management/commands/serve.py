"""`manage.py serve`: run ChatFlow on the address in the settings."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from chatflow.server import instance_lock
from chatflow.server.daphne import CannotListen, serve

LOCAL_ADDRESSES = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 not bound, only compared


class Command(BaseCommand):
    help = "Serves pages, API and WebSockets on BIND:PORT until stopped."

    def handle(self, *args: object, **options: object) -> None:
        _require_valid_database()
        try:
            if settings.ALONE:
                instance_lock.hold(settings.DATA_DIR)
            serve(
                import_string(settings.ASGI_APPLICATION),
                host=settings.BIND,
                port=settings.PORT,
                shutdown_seconds=settings.SHUTDOWN_SECONDS,
                on_ready=self._print_url,
            )
        except (instance_lock.AlreadyServed, CannotListen) as problem:
            raise CommandError(problem) from None

    def _print_url(self) -> None:
        host = "localhost" if settings.BIND in LOCAL_ADDRESSES else settings.BIND
        self.stdout.write(f"ChatFlow is on http://{host}:{settings.PORT}")
        self.stdout.flush()


def _require_valid_database() -> None:
    for found in run_checks(tags=[Tags.database], databases=["default"]):
        if found.is_serious():
            raise CommandError(found.msg)
