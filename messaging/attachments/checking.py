"""Compare the stored files with the rows, for `manage.py check_attachments`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from messaging.attachments import files
from messaging.attachments.models import Attachment
from messaging.models import Message

UPLOADING_FOR = timedelta(hours=1)  # a younger file may get its row at any moment


def rows_without_files() -> Iterator[Attachment]:
    for attachment in Attachment.objects.order_by("id").iterator():
        if not files.storage().exists(attachment.path):
            yield attachment


def files_without_rows() -> Iterator[str]:
    """Yield the paths of stored files that belong to no attachment."""
    try:
        folders, _names = files.storage().listdir(files.DIRECTORY)
    except FileNotFoundError:
        return
    for folder in folders:
        _folders, names = files.storage().listdir(f"{files.DIRECTORY}/{folder}")
        paths = {f"{files.DIRECTORY}/{folder}/{name}" for name in names}
        owners = {path: path.partition(".")[0] for path in paths}
        known = Attachment.objects.filter(path__in=set(owners.values()))
        present = set(known.values_list("path", flat=True))
        yield from sorted(path for path in paths if owners[path] not in present and _is_old(path))


@transaction.atomic
def remove_row(attachment: Attachment) -> None:
    attachment.delete()
    if attachment.message_id:
        left = Attachment.objects.filter(message=attachment.message_id).count()
        Message.objects.filter(id=attachment.message_id).update(attachment_count=left)


def remove_file(path: str) -> None:
    files.storage().delete(path)


def _is_old(path: str) -> bool:
    try:
        return files.storage().get_modified_time(path) < timezone.now() - UPLOADING_FOR
    except FileNotFoundError:
        return False
