"""Uploading files, sending them with a message and downloading them."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from chatflow.limits import policy as limits
from chatflow.limits.policy import FRAMES, RateMeter
from conversations.services import add_members
from messaging.sockets.commands import run_frame
from tests.messaging.attachments.conftest import MP4, WEBM


def test_upload_is_sent_and_downloaded_by_members_only(
    upload, program, alice, bob, dave, mallory, group
):
    uploaded = upload(alice, group, b"plain words", name="notes.txt")
    attachment = uploaded.json()
    path = f"/conversations/{group.id}"

    assert uploaded.status_code == 201
    assert uploaded["Location"] == attachment["url"]
    assert attachment | {"id": "", "url": ""} == {
        "id": "",
        "kind": "file",
        "name": "notes.txt",
        "content_type": "application/octet-stream",
        "size": 11,
        "width": None,
        "height": None,
        "duration": None,
        "waveform": None,
        "url": "",
        "thumbnail_url": None,
        "preview_url": None,
    }
    assert program(bob).get(attachment["url"]).status_code == 404  # nobody else sees it yet
    assert program(alice).get(attachment["url"]).getvalue() == b"plain words"

    sent = program(alice).post(f"{path}/messages", {"attachments": [attachment["id"]]})

    assert (sent.status_code, sent.json()["body"]) == (201, "")
    assert sent.json()["attachments"] == [attachment]
    [*_, seen] = program(bob).get(f"{path}/messages").json()["results"]
    assert seen["attachments"] == [attachment]
    assert program(bob).get(attachment["url"]).getvalue() == b"plain words"
    assert program(bob).get("/conversations").json()["results"][0]["last_message"] == seen
    for outsider in (dave, mallory):
        assert program(outsider).get(attachment["url"]).status_code == 404
    assert APIClient().get(attachment["url"]).status_code == 401


@pytest.mark.parametrize("outsider", ["dave", "mallory"])
def test_only_members_can_upload(upload, group, request, outsider):
    assert upload(request.getfixturevalue(outsider), group).status_code == 404


def test_new_member_cannot_get_files_of_older_messages(
    share, program, alice, mallory, group, membership
):
    older = share(alice, group)["attachments"][0]
    add_members(membership=membership(alice, group), usernames=["mallory"])
    newer = share(alice, group)["attachments"][0]

    client = program(mallory)

    assert client.get(older["url"]).status_code == 404
    assert client.get(newer["url"]).status_code == 200


def test_retry_has_one_effect_and_other_attachments_are_a_conflict(upload, program, alice, group):
    client = program(alice)
    one, other = (upload(alice, group).json()["id"] for _ in range(2))
    path, message = f"/conversations/{group.id}/messages", str(uuid.uuid4())

    answers = [
        client.post(path, {"id": message, "body": "See", "attachments": attachments})
        for attachments in ([one], [one], [other], [])
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 409, 409]
    assert answers[1].json() == answers[0].json()


def test_attachments_must_be_unused_own_and_of_this_conversation(
    upload, program, alice, bob, group, direct
):
    client, path = program(alice), f"/conversations/{group.id}/messages"
    own = upload(alice, group).json()["id"]
    used = upload(alice, group).json()["id"]
    client.post(path, {"attachments": [used]})
    many = [upload(alice, group).json()["id"] for _ in range(11)]
    refused = {
        "used": [used],
        "bob's": [upload(bob, group).json()["id"]],
        "elsewhere": [upload(alice, direct).json()["id"]],
        "unknown": [str(uuid.uuid4())],
        "twice": [own, own],
        "too many": many,
        "no list": own,
        "no ids": ["x"],
        "none, and no text": [],
    }

    answers = {
        name: client.post(path, {"attachments": attachments}).status_code
        for name, attachments in refused.items()
    }

    assert answers == dict.fromkeys(refused, 400)
    assert client.post(path, {"attachments": [own]}).status_code == 201
    sent = client.post(path, {"body": "ten", "attachments": many[:10]})
    assert [each["id"] for each in sent.json()["attachments"]] == many[:10]


def test_socket_and_page_send_attachments_as_well(upload, browser, alice, group, announced):
    by_socket, by_page = (upload(alice, group).json()["id"] for _ in range(2))
    frame = {
        "type": "message.send",
        "conversation": str(group.id),
        "id": str(uuid.uuid4()),
        "body": "",
        "attachments": [by_socket],
    }

    with announced() as events:
        [ack] = run_frame(alice, json.dumps(frame), RateMeter(FRAMES))
    page = browser(alice).post(
        f"/chats/{group.id}/messages", {"body": "", "attachments": [by_page]}, follow=True
    )

    assert [each["id"] for each in ack["message"]["attachments"]] == [by_socket]
    told = json.loads(events[0].json)["message"]
    assert told["attachments"] == ack["message"]["attachments"]
    assert page.status_code == 200


def test_voice_message_keeps_duration_and_waveform(share, alice, group):
    how = {"name": "voice.webm", "type": "audio/webm", "kind": "voice", "duration": "3.5"}

    sent = share(alice, group, WEBM, waveform="[0, 50, 100]", **how)["attachments"][0]

    assert (sent["kind"], sent["content_type"]) == ("voice", "audio/webm")
    assert (sent["duration"], sent["waveform"]) == (3.5, [0, 50, 100])


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "photo"},
        {"kind": "voice", "duration": "-1"},
        {"kind": "voice", "duration": "nan"},
        {"kind": "voice", "waveform": "[101]"},
        {"kind": "voice", "waveform": "[1.5]"},
        {"kind": "voice", "waveform": json.dumps([1] * 65)},
        {"kind": "voice", "waveform": "{"},
        {"kind": "voice", "waveform": '{"a": 1}'},
    ],
)
def test_invalid_fields_of_a_voice_message_are_refused(upload, alice, group, fields):
    assert upload(alice, group, WEBM, **fields).status_code == 400


def test_voice_message_must_be_audio(upload, alice, group):
    assert upload(alice, group, b"words", kind="voice").status_code == 400


@pytest.mark.parametrize(
    ("content", "declared", "kind", "served_as"),
    [
        (MP4 + bytes(99), "text/html", "video", "video/mp4"),
        (WEBM + bytes(99), "video/webm", "video", "video/webm"),
        (b"ID3\4\0\0\0\0\0\0" + bytes(99), "audio/mpeg", "audio", "audio/mpeg"),
        (b"\xff\xfeh\0i\0", "text/plain", "file", "application/octet-stream"),
        (b"<!DOCTYPE html><script>1</script>", "video/mp4", "file", "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "file", None),
        (b"%PDF-1.7\n", "application/pdf", "file", None),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic", "file", None),
    ],
)
def test_type_is_determined_by_the_content(
    share, program, alice, bob, group, content, declared, kind, served_as
):
    attachment = share(alice, group, content, name="a.png", type=declared)["attachments"][0]

    served = program(bob).get(attachment["url"])

    expected = served_as or "application/octet-stream"
    assert (attachment["kind"], attachment["content_type"]) == (kind, expected)
    assert served["Content-Type"] == expected
    assert served["Content-Disposition"].startswith("attachment" if kind == "file" else "inline")
    assert served["X-Content-Type-Options"] == "nosniff"
    assert served["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert served["Cache-Control"].startswith("private")


def test_empty_too_large_and_mislabelled_uploads_are_refused(upload, alice, group, settings):
    settings.ATTACHMENT_MAX_BYTES = 1000

    assert upload(alice, group, b"").status_code == 400
    assert upload(alice, group, b"words", type="image/png").status_code == 400
    assert upload(alice, group, bytes(1001)).status_code == 413
    assert upload(alice, group, bytes(1000)).status_code == 201


def test_uploads_are_rate_limited(upload, alice, group, few):
    few(limits.ATTACHING, 1)

    answers = [upload(alice, group) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[1]["Retry-After"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\alice\\plan.doc", "plan.doc"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("Ünïcode 👩‍🌾.txt", "Ünïcode 👩‍🌾.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        (" . ", "file"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
    ],
)
def test_file_names_are_cleaned(upload, program, alice, group, name, shown):
    path = f"/conversations/{group.id}/attachments"
    file = SimpleUploadedFile("words.txt", b"words")

    attachment = program(alice).post(path, {"file": file, "name": name}, format="multipart").json()

    assert attachment["name"] == shown


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-4", 206, 0, 4),
        ("bytes=65530-65545", 206, 65_530, 65_545),
        ("bytes=-5", 206, 199_995, 199_999),
        ("bytes=199999-", 206, 199_999, 199_999),
        ("bytes=5-999999999999", 206, 5, 199_999),
        ("bytes=0-1,5-6", 200, 0, 199_999),
        ("bytes=9-3", 200, 0, 199_999),
        ("pages=1-2", 200, 0, 199_999),
        ("bytes=-", 200, 0, 199_999),
    ],
)
def test_range_requests(share, program, alice, group, asked, status, first, last):
    content = bytes(number % 251 for number in range(200_000))
    url = share(alice, group, content)["attachments"][0]["url"]
    client = program(alice)

    answer = client.get(url, headers={"Range": asked})
    head = client.head(url, headers={"Range": asked})

    assert (answer.status_code, answer.getvalue()) == (status, content[first : last + 1])
    assert (head.status_code, head["Content-Length"]) == (status, str(last - first + 1))
    assert answer.get("Content-Range") == (
        f"bytes {first}-{last}/200000" if status == 206 else None
    )


def test_unsatisfiable_and_conditional_ranges(share, program, alice, group):
    url = share(alice, group, b"0123456789")["attachments"][0]["url"]
    client = program(alice)
    etag = client.get(url)["ETag"]

    beyond = client.get(url, headers={"Range": "bytes=10-"})
    same = client.get(url, headers={"Range": "bytes=1-2", "If-Range": etag})
    other = client.get(url, headers={"Range": "bytes=1-2", "If-Range": '"other"'})
    known = client.get(url, headers={"If-None-Match": etag})

    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */10")
    assert [same.status_code, other.status_code, known.status_code] == [206, 200, 304]


def test_text_of_a_message_with_files_can_be_removed(share, say, program, alice, group):
    with_file, without = share(alice, group, body="See"), say(alice, group)
    client, path = program(alice), f"/conversations/{group.id}/messages"

    edited = client.patch(f"{path}/{with_file['id']}", {"body": ""})

    assert (edited.status_code, edited.json()["attachments"]) == (200, with_file["attachments"])
    assert client.patch(f"{path}/{without.id}", {"body": ""}).status_code == 400


def test_files_are_deleted_with_their_message(
    share, program, alice, bob, group, django_capture_on_commit_callbacks, settings
):
    sent = share(alice, group, body="See")
    client = program(alice)

    with django_capture_on_commit_callbacks(execute=True):
        deleted = client.delete(f"/conversations/{group.id}/messages/{sent['id']}").json()

    assert deleted["attachments"] == []
    assert program(bob).get(sent["attachments"][0]["url"]).status_code == 404
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []
