"""Reporting a message or a person to the moderators: who may, what is kept, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.services import block, delete_account, suspend
from chatflow import limits
from conversations.services import leave, remove_member
from messaging import evidence
from messaging.models import Message, Report
from messaging.reports import BadComment, report_message
from messaging.services import delete_message, edit_message
from tests.conftest import PASSWORD

CANARY = "canary-in-a-coal-mine"


def report(client, message, **body):
    address = f"/conversations/{message.conversation_id}/messages/{message.id}/report"
    return client.post(address, {"reason": "spam"} | body)


def report_somebody(client, username, **body):
    return client.post(f"/users/{username}/report", {"reason": "abuse"} | body)


def content():
    return evidence.opened(Report.objects.for_display().get())


def test_bob_reports_what_alice_said(program, alice, bob, direct, say):
    message = say(alice, direct, "buy my pills")

    answer = report(program(bob), message, reason="spam", comment=" every day ")

    kept = Report.objects.get()
    assert (answer.status_code, answer.content) == (201, b"")
    assert (kept.reporter, kept.person, kept.message) == (bob, alice, message)
    assert (kept.kind, kept.reason, kept.is_open) == ("message", "spam", True)
    assert content().comment == "every day"
    assert [(line.body, line.username) for line in content().lines] == [("buy my pills", "alice")]


def test_bob_reports_alice(program, alice, bob, direct):
    answer = report_somebody(program(bob), "Alice", comment="rude")

    kept = Report.objects.get()
    assert answer.status_code == 201
    assert (kept.kind, kept.person, kept.message) == ("person", alice, None)
    assert content() == evidence.Content(comment="rude")


def test_nobody_in_the_chat_is_told(bob, alice, direct, say, membership, announced):
    message = say(alice, direct)

    with announced() as events:
        report_message(membership=membership(bob, direct), message_id=message.id, reason="spam")

    assert Report.objects.exists()
    assert events == []


# What is kept


def test_it_is_kept_with_five_messages_on_either_side(program, alice, bob, direct, say):
    messages = [say(alice, direct, f"line {number}") for number in range(1, 21)]

    report(program(bob), messages[9])

    lines = content().lines
    assert [line.body for line in lines] == [f"line {number}" for number in range(5, 16)]
    assert [line.body for line in lines if line.is_reported] == ["line 10"]


def test_it_stays_as_it_was_whatever_becomes_of_it(program, alice, bob, direct, say, membership):
    changed, deleted = say(alice, direct, "one"), say(alice, direct, "two")
    hers = membership(alice, direct)
    report(program(bob), changed)

    edit_message(membership=hers, message_id=changed.id, body="harmless")
    delete_message(membership=hers, message_id=changed.id)
    delete_message(membership=hers, message_id=deleted.id)

    assert [line.body for line in content().lines] == ["one", "two"]


def test_what_had_changed_before_says_so(program, alice, bob, direct, say, membership):
    gone, changed = say(alice, direct, "one"), say(alice, direct, "two")
    delete_message(membership=membership(alice, direct), message_id=gone.id)
    edit_message(membership=membership(alice, direct), message_id=changed.id, body="three")

    report(program(bob), changed)

    first, second = content().lines
    assert (first.body, first.is_deleted) == ("", True)
    assert (second.body, second.is_edited, second.is_reported) == ("three", True, True)


def test_what_its_reporter_cannot_see_is_not_kept(program, alice, bob, carol, dave, group, say):
    """dave was away while alice talked."""
    say(alice, group, "before dave")
    program(alice).post(f"/conversations/{group.id}/members", {"members": ["dave"]})
    message = say(alice, group, "after dave")

    report(program(dave), message)

    bodies = [line.body for line in content().lines]
    assert "after dave" in bodies
    assert "before dave" not in bodies


def test_what_a_block_hides_is_not_kept(program, alice, bob, direct, say):
    shown = say(alice, direct, "shown")
    block(user=bob, username="alice")
    hidden = say(alice, direct, "hidden")

    report(program(bob), shown)

    assert [line.body for line in content().lines] == ["shown"]
    assert report(program(bob), hidden).status_code == 404


def test_notices_are_kept_as_people_read_them(program, alice, bob, group, say):
    message = say(alice, group)

    report(program(bob), message)

    assert any(line.is_notice and "Garden" in line.body for line in content().lines)


def test_nothing_of_it_lies_in_clear(program, alice, bob, direct, say):
    for _ in range(3):
        message = say(alice, direct, CANARY)
    report(program(bob), message, comment=f"he said {CANARY}")
    report_somebody(program(bob), "alice", comment=CANARY)
    assert Report.objects.count() == 2

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM messaging_report")
        stored = [bytes(v) if isinstance(v, memoryview) else v for row in cursor for v in row]

    assert not [value for value in stored if "canary" in str(value).lower()]


def test_a_swapped_or_altered_report_says_so(program, alice, bob, direct, say, caplog):
    report(program(bob), say(alice, direct, CANARY))
    report(program(bob), say(alice, direct, CANARY))
    first, second = Report.objects.order_by("created_at")

    Report.objects.filter(id=first.id).update(sealed_content=second.sealed_content)

    swapped = Report.objects.for_display().get(id=first.id)
    assert evidence.opened(swapped) == evidence.Content(is_readable=False)
    assert str(first.id) in caplog.text
    assert CANARY not in caplog.text


# Twice


def test_the_same_again_is_one_report_and_the_first_stands(program, alice, bob, direct, say):
    message, client = say(alice, direct), program(bob)

    answers = [report(client, message, reason=reason) for reason in ("spam", "abuse")]
    again = [report_somebody(client, "alice").status_code for _ in range(2)]

    assert [answer.status_code for answer in answers] == again == [201, 204]
    assert [one.reason for one in Report.objects.order_by("created_at")] == ["spam", "abuse"]


def test_two_people_are_two_reports(program, alice, bob, carol, group, say):
    message = say(alice, group)

    assert [report(program(user), message).status_code for user in (bob, carol)] == [201, 201]


@pytest.mark.django_db(transaction=True)
def test_two_devices_at_once_are_one_report(alice, bob, direct, say, membership, together):
    message, his = say(alice, direct), membership(bob, direct)

    def act():
        return report_message(membership=his, message_id=message.id, reason="spam")

    answers = together(act, act, act)

    assert sorted(is_new for _report, is_new in answers) == [False, False, True]
    assert Report.objects.count() == 1


def test_once_it_is_resolved_it_may_be_reported_anew(program, alice, bob, moderator, direct, say):
    message, client = say(alice, direct), program(bob)
    report(client, message)
    Report.objects.open().resolve(Report.Resolution.DISMISSED, by=moderator)

    assert report(client, message).status_code == 201


# Who may not


def test_mallory_cannot_report_what_she_cannot_see(program, alice, mallory, direct, say):
    assert report(program(mallory), say(alice, direct)).status_code == 404
    assert not Report.objects.exists()


def test_whoever_has_left_cannot_either(program, alice, bob, carol, group, say, membership):
    message = say(alice, group)
    leave(membership=membership(bob, group))
    remove_member(membership=membership(alice, group), username="carol")

    assert report(program(bob), message).status_code == 404
    assert report(program(carol), message).status_code == 404


def test_what_was_said_before_one_joined_cannot_be_reported(program, alice, dave, group, say):
    message = say(alice, group)
    program(alice).post(f"/conversations/{group.id}/members", {"members": ["dave"]})

    assert report(program(dave), message).status_code == 404


def test_a_message_is_found_in_its_own_conversation_only(program, alice, bob, direct, group, say):
    message = say(alice, group)
    message.conversation_id = direct.id

    assert report(program(bob), message).status_code == 404


def test_one_s_own_message_notices_and_tombstones_cannot_be_reported(
    program, alice, bob, group, say, membership
):
    own, tombstone = say(bob, group), say(alice, group)
    delete_message(membership=membership(alice, group), message_id=tombstone.id)
    notice = Message.objects.filter(kind="system").last()

    answers = [report(program(bob), message) for message in (own, tombstone, notice)]

    assert {(a.status_code, a.json()["type"]) for a in answers} == {
        (403, "urn:chatflow:not_reportable")
    }


def test_one_cannot_report_oneself_or_somebody_who_is_not_there(program, alice, bob, mallory):
    suspend(user=mallory)
    client = program(bob)

    names = ("bob", "nobody", "mallory", "a%00b")

    assert [report_somebody(client, name).status_code for name in names] == [403, 404, 404, 404]


def test_a_stranger_may_be_reported_by_a_reason_alone(program, alice, mallory):
    """No chat, no key to keep words under."""
    client = program(alice)

    refused = report_somebody(client, "mallory", comment="her picture!")

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["comment"])
    assert report_somebody(client, "mallory").status_code == 201
    assert content() == evidence.Content()


def test_it_needs_a_login(client, alice, direct, say):
    message = say(alice, direct)

    assert report(client, message).status_code == 401
    assert report_somebody(client, "alice").status_code == 401


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
def test_what_cannot_be_understood_is_said_so(program, alice, bob, direct, say, field, value):
    answer = report(program(bob), say(alice, direct), **{field: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not Report.objects.exists()


def test_half_a_character_is_no_comment(alice, bob, direct, say, membership):
    message, his = say(alice, direct), membership(bob, direct)

    with pytest.raises(BadComment):
        report_message(membership=his, message_id=message.id, reason="spam", comment="so \ud800")


def test_five_hundred_characters_are_not_too_many(program, alice, bob, direct, say):
    assert report(program(bob), say(alice, direct), comment="ß" * 500).status_code == 201


# Whoever goes


def test_a_report_outlives_the_accounts_of_both(program, alice, bob, direct, say):
    report(program(bob), say(alice, direct, "vile"))

    for user in (alice, bob):
        delete_account(user=user, password=PASSWORD)

    (line,) = content().lines
    assert (line.author, line.username, line.body) == ("Alice", "alice", "vile")


def test_what_somebody_said_who_is_gone_may_be_reported(program, alice, bob, group, say):
    message = say(alice, group, "vile")
    delete_account(user=alice, password=PASSWORD)

    assert report(program(bob), message).status_code == 201


def test_an_old_message_may_be_reported(program, alice, bob, direct, say):
    message = say(alice, direct)
    long_ago = timezone.now() - timedelta(days=900)
    Message.objects.filter(id=message.id).update(created_at=long_ago)

    assert report(program(bob), message).status_code == 201


def test_a_report_has_its_price(program, alice, bob, direct, say, costs):
    for _ in range(20):
        message = say(alice, direct)
    client = program(bob)

    with costs(11):
        report(client, message)


def test_nobody_keeps_the_moderators_busy_alone(program, few, alice, bob, carol, group, say):
    few(limits.REPORTING, 1)
    message = say(alice, group)
    client = program(bob)
    assert report(client, message).status_code == 201

    assert report(client, message).status_code == 429
    assert report_somebody(client, "alice").status_code == 429
    assert report(program(carol), message).status_code == 201
