"""What becomes of files: quotas, a full disk, uploads that are never sent, and repairs."""

from __future__ import annotations

import errno
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.services import delete_account
from messaging.attachments.services import delete_expired
from messaging.models import Attachment
from tests.conftest import PASSWORD
from tests.messaging.attachments.conftest import picture


@pytest.fixture
def stored(settings):
    """stored() is the paths of all files in the storage."""
    return lambda: [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_file_and_its_folder_are_on_the_disk_before_the_upload_is_answered(
    upload, alice, group, stored, monkeypatch
):
    synced = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)

    assert upload(alice, group).status_code == 201

    (file,) = stored()
    assert {file.stat().st_ino, file.parent.stat().st_ino} <= set(synced)


@pytest.mark.parametrize("setting", ["ATTACHMENT_QUOTA_BYTES", "ATTACHMENT_TOTAL_BYTES"])
def test_upload_beyond_a_quota_is_refused(upload, alice, group, settings, stored, setting):
    setattr(settings, setting, 2000)

    answers = [upload(alice, group, bytes(1500)) for _ in range(2)]
    if setting == "ATTACHMENT_QUOTA_BYTES":
        assert [answer.status_code for answer in answers] == [201, 507]
    else:  # its total is a minute old
        assert upload(alice, group, bytes(2001)).status_code == 507
    assert len(stored()) == Attachment.objects.count()


@pytest.mark.parametrize("content", [bytes(9000), picture()], ids=["file", "image"])
def test_full_disk_is_reported_and_leaves_no_file(
    upload, alice, group, monkeypatch, stored, content
):
    def save_half(storage, name, file):
        path = Path(storage.path(name))
        path.parent.mkdir(parents=True)
        path.write_bytes(file.read(20))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", save_half)

    answer = upload(alice, group, content, name="a", type="application/x")

    assert (answer.status_code, answer.json()["type"]) == (507, "urn:chatflow:disk_full")
    assert (stored(), Attachment.objects.count()) == ([], 0)


def test_unsent_uploads_are_deleted_after_a_day(
    upload, share, alice, group, stored, django_capture_on_commit_callbacks
):
    old = upload(alice, group).json()["id"]
    sent = share(alice, group)["attachments"][0]["id"]
    Attachment.objects.update(created_at=timezone.now() - timedelta(hours=25))
    new = upload(alice, group).json()["id"]

    with django_capture_on_commit_callbacks(execute=True):
        assert delete_expired() == 1

    assert {str(each.id) for each in Attachment.objects.all()} == {sent, new} - {old}
    assert len(stored()) == 2


def test_unsent_uploads_are_deleted_with_the_account(
    upload, share, program, alice, bob, group, django_capture_on_commit_callbacks
):
    upload(alice, group)
    sent = share(alice, group)["attachments"][0]

    with django_capture_on_commit_callbacks(execute=True):
        delete_account(user=alice, password=PASSWORD)

    assert [str(each.id) for each in Attachment.objects.all()] == [sent["id"]]
    assert program(bob).get(sent["url"]).status_code == 200


def test_damaged_or_missing_file_is_not_found(share, program, alice, group, stored):
    first, second = (share(alice, group, bytes(70_000))["attachments"][0] for _ in range(2))
    path = {each.name: each for each in stored()}[
        Attachment.objects.get(id=second["id"]).path.rpartition("/")[2]
    ]
    path.unlink()

    assert program(alice).get(first["url"]).status_code == 200
    assert program(alice).get(second["url"]).status_code == 404


def test_check_command_removes_orphaned_files_and_attachments(
    share, program, alice, group, stored, settings, capsys
):
    kept, lost = (share(alice, group, body="See")["attachments"][0] for _ in range(2))
    call_command("check_attachments")
    row = Attachment.objects.get(id=lost["id"])
    (settings.MEDIA_ROOT / row.path).unlink()
    stray, uploading = (settings.MEDIA_ROOT / "attachments" / "ab" / name for name in "sy")
    stray.parent.mkdir(exist_ok=True)
    for path in (stray, uploading):
        path.write_bytes(b"x")
    os.utime(stray, (time.time() - 7200,) * 2)

    with pytest.raises(CommandError, match="2 problems"):
        call_command("check_attachments")
    call_command("check_attachments", "--repair")
    call_command("check_attachments")

    assert "Everything fits together." in capsys.readouterr().out
    assert [str(each.id) for each in Attachment.objects.all()] == [kept["id"]]
    assert not stray.exists()
    assert uploading.exists()
    newest = program(alice).get(f"/conversations/{group.id}/messages").json()["results"][-1]
    assert (newest["body"], newest["attachments"]) == ("See", [])
