"""Reporting a message or a user: who can, and what is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.services import block, delete_account, suspend
from chatflow.limits import policy as limits
from conversations.services import leave, remove_member
from messaging.models import Message, Report
from messaging.moderation import snapshots
from messaging.moderation.reports import BadComment, report_message
from messaging.services import delete_message, edit_message
from tests.conftest import PASSWORD

CANARY = "canary-in-a-coal-mine"


def report(client, message, **body):
    address = f"/conversations/{message.conversation_id}/messages/{message.id}/report"
    return client.post(address, {"reason": "spam"} | body)


def report_user(client, username, **body):
    return client.post(f"/users/{username}/report", {"reason": "abuse"} | body)


def content():
    return snapshots.opened(Report.objects.for_display().get())


def test_member_reports_a_message(program, alice, bob, direct, say):
    message = say(alice, direct, "buy my pills")

    answer = report(program(bob), message, reason="spam", comment=" every day ")

    kept = Report.objects.get()
    assert (answer.status_code, answer.content) == (201, b"")
    assert (kept.reporter, kept.person, kept.message) == (bob, alice, message)
    assert (kept.kind, kept.reason, kept.is_open) == ("message", "spam", True)
    assert content().comment == "every day"
    assert [(line.body, line.username) for line in content().lines] == [("buy my pills", "alice")]


def test_user_reports_another_user(program, alice, bob, direct):
    answer = report_user(program(bob), "Alice", comment="rude")

    kept = Report.objects.get()
    assert answer.status_code == 201
    assert (kept.kind, kept.person, kept.message) == ("person", alice, None)
    assert content() == snapshots.Content(comment="rude")


def test_report_sends_no_event(bob, alice, direct, say, membership, announced):
    message = say(alice, direct)

    with announced() as events:
        report_message(membership=membership(bob, direct), message_id=message.id, reason="spam")

    assert Report.objects.exists()
    assert events == []


# --- what is stored ------------------------------------------------------------------------------


def test_report_keeps_five_messages_before_and_after(program, alice, bob, direct, say):
    messages = [say(alice, direct, f"line {number}") for number in range(1, 21)]

    report(program(bob), messages[9])

    lines = content().lines
    assert [line.body for line in lines] == [f"line {number}" for number in range(5, 16)]
    assert [line.body for line in lines if line.is_reported] == ["line 10"]


def test_later_edits_and_deletions_do_not_change_the_report(
    program, alice, bob, direct, say, membership
):
    changed, deleted = say(alice, direct, "one"), say(alice, direct, "two")
    hers = membership(alice, direct)
    report(program(bob), changed)

    edit_message(membership=hers, message_id=changed.id, body="harmless")
    delete_message(membership=hers, message_id=changed.id)
    delete_message(membership=hers, message_id=deleted.id)

    assert [line.body for line in content().lines] == ["one", "two"]


def test_earlier_edits_and_deletions_are_marked(program, alice, bob, direct, say, membership):
    gone, changed = say(alice, direct, "one"), say(alice, direct, "two")
    delete_message(membership=membership(alice, direct), message_id=gone.id)
    edit_message(membership=membership(alice, direct), message_id=changed.id, body="three")

    report(program(bob), changed)

    first, second = content().lines
    assert (first.body, first.is_deleted) == ("", True)
    assert (second.body, second.is_edited, second.is_reported) == ("three", True, True)


def test_messages_from_before_the_reporter_joined_are_not_kept(
    program, alice, bob, carol, dave, group, say
):
    say(alice, group, "before dave")
    program(alice).post(f"/conversations/{group.id}/members", {"members": ["dave"]})
    message = say(alice, group, "after dave")

    report(program(dave), message)

    bodies = [line.body for line in content().lines]
    assert "after dave" in bodies
    assert "before dave" not in bodies


def test_hidden_messages_are_not_kept(program, alice, bob, direct, say):
    shown = say(alice, direct, "shown")
    block(user=bob, username="alice")
    hidden = say(alice, direct, "hidden")

    report(program(bob), shown)

    assert [line.body for line in content().lines] == ["shown"]
    assert report(program(bob), hidden).status_code == 404


def test_system_messages_are_kept_as_sentences(program, alice, bob, group, say):
    message = say(alice, group)

    report(program(bob), message)

    assert any(line.is_system and "Garden" in line.body for line in content().lines)


def test_report_is_encrypted(program, alice, bob, direct, say):
    for _ in range(3):
        message = say(alice, direct, CANARY)
    report(program(bob), message, comment=f"he said {CANARY}")
    report_user(program(bob), "alice", comment=CANARY)
    assert Report.objects.count() == 2

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM messaging_report")
        stored = [bytes(v) if isinstance(v, memoryview) else v for row in cursor for v in row]

    assert not [value for value in stored if "canary" in str(value).lower()]


def test_swapped_report_is_unreadable_and_logged(program, alice, bob, direct, say, caplog):
    report(program(bob), say(alice, direct, CANARY))
    report(program(bob), say(alice, direct, CANARY))
    first, second = Report.objects.order_by("created_at")

    Report.objects.filter(id=first.id).update(sealed_content=second.sealed_content)

    swapped = Report.objects.for_display().get(id=first.id)
    assert snapshots.opened(swapped) == snapshots.Content(is_readable=False)
    assert str(first.id) in caplog.text
    assert CANARY not in caplog.text


# --- repeated reports ----------------------------------------------------------------------------


def test_repeated_report_keeps_the_first(program, alice, bob, direct, say):
    message, client = say(alice, direct), program(bob)

    answers = [report(client, message, reason=reason) for reason in ("spam", "abuse")]
    again = [report_user(client, "alice").status_code for _ in range(2)]

    assert [answer.status_code for answer in answers] == again == [201, 204]
    assert [one.reason for one in Report.objects.order_by("created_at")] == ["spam", "abuse"]


def test_two_reporters_create_two_reports(program, alice, bob, carol, group, say):
    message = say(alice, group)

    assert [report(program(user), message).status_code for user in (bob, carol)] == [201, 201]


@pytest.mark.django_db(transaction=True)
def test_concurrent_reports_of_one_user_create_one(alice, bob, direct, say, membership, together):
    message, his = say(alice, direct), membership(bob, direct)

    def act():
        return report_message(membership=his, message_id=message.id, reason="spam")

    answers = together(act, act, act)

    assert sorted(is_new for _report, is_new in answers) == [False, False, True]
    assert Report.objects.count() == 1


def test_report_is_created_if_a_concurrent_one_is_resolved_meanwhile(
    monkeypatch, alice, bob, direct, say, membership
):
    message = say(alice, direct)
    save, collisions = Report.save, [IntegrityError("another device was faster")]

    def save_after_collision(report, **kwargs):
        if collisions:
            raise collisions.pop()
        save(report, **kwargs)

    monkeypatch.setattr(Report, "save", save_after_collision)

    report, is_new = report_message(
        membership=membership(bob, direct), message_id=message.id, reason=Report.Reason.SPAM
    )

    assert is_new
    assert Report.objects.get() == report


def test_message_can_be_reported_again_after_the_report_was_resolved(
    program, alice, bob, moderator, direct, say
):
    message, client = say(alice, direct), program(bob)
    report(client, message)
    Report.objects.open().resolve(Report.Resolution.DISMISSED, by=moderator)

    assert report(client, message).status_code == 201


# --- permissions and validation ------------------------------------------------------------------


def test_user_who_is_not_a_member_cannot_report_a_message(program, alice, mallory, direct, say):
    assert report(program(mallory), say(alice, direct)).status_code == 404
    assert not Report.objects.exists()


def test_former_members_cannot_report_a_message(program, alice, bob, carol, group, say, membership):
    message = say(alice, group)
    leave(membership=membership(bob, group))
    remove_member(membership=membership(alice, group), username="carol")

    assert report(program(bob), message).status_code == 404
    assert report(program(carol), message).status_code == 404


def test_new_member_cannot_report_an_older_message(program, alice, dave, group, say):
    message = say(alice, group)
    program(alice).post(f"/conversations/{group.id}/members", {"members": ["dave"]})

    assert report(program(dave), message).status_code == 404


def test_message_of_another_conversation_cannot_be_reported(
    program, alice, bob, direct, group, say
):
    message = say(alice, group)
    message.conversation_id = direct.id

    assert report(program(bob), message).status_code == 404


def test_own_deleted_and_system_messages_cannot_be_reported(
    program, alice, bob, group, say, membership
):
    own, tombstone = say(bob, group), say(alice, group)
    delete_message(membership=membership(alice, group), message_id=tombstone.id)
    system_message = Message.objects.filter(kind="system").last()

    answers = [report(program(bob), message) for message in (own, tombstone, system_message)]

    assert {(a.status_code, a.json()["type"]) for a in answers} == {
        (403, "urn:chatflow:not_reportable")
    }


def test_oneself_and_unknown_users_cannot_be_reported(program, alice, bob, mallory):
    suspend(user=mallory)
    client = program(bob)

    names = ("bob", "nobody", "mallory", "a%00b")

    assert [report_user(client, name).status_code for name in names] == [403, 404, 404, 404]


def test_user_without_a_shared_chat_can_be_reported_without_a_comment(program, alice, mallory):
    client = program(alice)

    refused = report_user(client, "mallory", comment="her picture!")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["comment"])
    assert report_user(client, "mallory").status_code == 201
    assert content() == snapshots.Content()


def test_anonymous_client_cannot_report(client, alice, direct, say):
    message = say(alice, direct)

    assert report(client, message).status_code == 401
    assert report_user(client, "alice").status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", "boredom"),
        ("reason", ""),
        ("reason", None),
        ("reason", 5),
        ("comment", "x" * 501),
        ("comment", "a\0b"),
        ("comment", 5),
        ("comment", None),
    ],
)
def test_invalid_fields_are_refused(program, alice, bob, direct, say, field, value):
    answer = report(program(bob), say(alice, direct), **{field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Report.objects.exists()


def test_comment_with_a_lone_surrogate_is_refused(alice, bob, direct, say, membership):
    message, his = say(alice, direct), membership(bob, direct)

    with pytest.raises(BadComment):
        report_message(membership=his, message_id=message.id, reason="spam", comment="so \ud800")


def test_comment_of_500_characters_is_accepted(program, alice, bob, direct, say):
    assert report(program(bob), say(alice, direct), comment="ß" * 500).status_code == 201


# --- deleted accounts and limits -----------------------------------------------------------------


def test_report_remains_readable_after_both_accounts_were_deleted(program, alice, bob, direct, say):
    report(program(bob), say(alice, direct, "vile"))

    for user in (alice, bob):
        delete_account(user=user, password=PASSWORD)

    (line,) = content().lines
    assert (line.author, line.username, line.body) == ("Alice", "alice", "vile")


def test_message_of_a_deleted_account_can_be_reported(program, alice, bob, group, say):
    message = say(alice, group, "vile")
    delete_account(user=alice, password=PASSWORD)

    assert report(program(bob), message).status_code == 201


def test_old_message_can_be_reported(program, alice, bob, direct, say):
    message = say(alice, direct)
    long_ago = timezone.now() - timedelta(days=900)
    Message.objects.filter(id=message.id).update(created_at=long_ago)

    assert report(program(bob), message).status_code == 201


def test_report_takes_twelve_queries(program, alice, bob, direct, say, costs):
    for _ in range(20):
        message = say(alice, direct)
    client = program(bob)

    with costs(12):
        report(client, message)


def test_reports_of_one_user_are_limited(program, few, alice, bob, carol, group, say):
    few(limits.STARTING, 1)
    message = say(alice, group)
    client = program(bob)
    assert report(client, message).status_code == 201

    assert report(client, message).status_code == 429
    assert report_user(client, "alice").status_code == 429
    assert report(program(carol), message).status_code == 201
