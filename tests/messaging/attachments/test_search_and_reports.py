"""File names are searchable; files are in the export and visible to moderators."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.core.management import call_command

from messaging.export.archive import archive_of
from messaging.moderation.models import Report
from messaging.moderation.reports import report_message
from messaging.moderation.snapshots import opened


@pytest.fixture
def found(program):
    def search(user, words):
        results = program(user).get("/messages", {"q": words}).json()["results"]
        return [(each["message"]["id"], each["highlights"]) for each in results]

    return search


def test_message_is_found_by_the_name_of_its_file(
    share, program, alice, bob, group, found, browser
):
    sent = share(alice, group, body="See here", name="Tomato harvest.pdf")
    path = f"/conversations/{group.id}/messages/{sent['id']}"

    assert found(bob, "tomato") == [(sent["id"], [])]
    assert found(bob, "see harvest") == [(sent["id"], [[0, 3]])]
    assert "Tomato harvest.pdf" in browser(bob).get("/search", {"q": "tomato"}).content.decode()

    program(alice).patch(path, {"body": "Look"})
    assert found(bob, "look harv") == [(sent["id"], [[0, 4]])]
    call_command("rebuild_search")
    assert found(bob, "tomato") == [(sent["id"], [])]

    program(alice).delete(path)
    assert found(bob, "tomato") == []


def test_export_contains_readable_files(share, alice, bob, dave, group):
    sent = share(alice, group, b"words", name="notes.txt")["attachments"][0]

    archives = {
        person: zipfile.ZipFile(io.BytesIO(b"".join(archive_of(person)))) for person in (bob, dave)
    }

    name = f"attachments/{sent['id']}/notes.txt"
    assert archives[bob].read(name) == b"words"
    lines = archives[bob].read("messages.jsonl").decode().splitlines()
    assert json.loads(lines[-1])["attachments"] == [sent]
    assert not [each for each in archives[dave].namelist() if each.startswith("attachments/")]


def test_report_contains_the_names_of_files(share, alice, bob, group, membership):
    sent = share(alice, group, name="notes.txt")

    report_message(membership=membership(bob, group), message_id=sent["id"], reason="spam")

    lines = opened(Report.objects.get()).lines
    assert [list(line.attachments) for line in lines if line.is_reported] == [["File: notes.txt"]]


def test_moderator_opens_the_files_of_a_reported_message_only(
    share, browser, moderator, alice, bob, group, membership
):
    sent = share(alice, group, b"words", name="notes.txt")
    other = share(alice, group)["attachments"][0]
    report, _is_new = report_message(
        membership=membership(bob, group), message_id=sent["id"], reason="spam"
    )
    page = f"/admin/messaging/report/{report.id}"
    link = f"{page}/attachments/{sent['attachments'][0]['id']}/"
    desk = browser(moderator)

    assert link in desk.get(f"{page}/change/").content.decode()
    assert desk.get(link).getvalue() == b"words"
    assert desk.get(f"{page}/attachments/{other['id']}/").status_code == 404
    assert browser(bob).get(link).status_code in (302, 403)
    assert report.audit.count() == 2
