"""`manage.py serve`: ChatFlow for people, where the settings say."""

from __future__ import annotations

from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from chatflow import single
from chatflow.server import CannotListen, serve

EVERYWHERE_OR_HERE = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 not bound, only compared


class Command(BaseCommand):
    help = "Serves pages, API and sockets on BIND:PORT until it is told to stop."

    def handle(self, *args: object, **options: object) -> None:
        _require_good_order()
        try:
            if settings.ALONE:
                single.hold(settings.DATA_DIR)
            serve(
                import_string(settings.ASGI_APPLICATION),
                host=settings.BIND,
                port=settings.PORT,
                shutdown_seconds=settings.SHUTDOWN_SECONDS,
                on_ready=self._tell_url,
            )
        except (single.AlreadyServed, CannotListen) as problem:
            raise CommandError(problem) from None

    def _tell_url(self) -> None:
        host = "localhost" if settings.BIND in EVERYWHERE_OR_HERE else settings.BIND
        self.stdout.write(f"ChatFlow is on http://{host}:{settings.PORT}")
        self.stdout.flush()


def _require_good_order() -> None:
    for found in run_checks(tags=[Tags.database], databases=["default"]):
        if found.is_serious():
            raise CommandError(found.msg)
