"""Moderators and what was reported: the queue, what they see and do, and the record of it."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from django.contrib.auth.models import Group

from accounts.models import User
from accounts.services import delete_account
from chatflow.errors import DomainError
from conversations.services import start_direct
from messaging import moderation
from messaging.models import AuditEntry, Message, Reaction, Report
from messaging.moderation import AlreadyResolved
from messaging.reports import report_message, report_person
from messaging.services import delete_message, edit_message, react
from tests.conftest import PASSWORD

QUEUE = "/admin/messaging/report/"
AUDIT = "/admin/messaging/auditentry/"


@pytest.fixture
def root(person) -> User:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def accuse(say, membership):
    """accuse(bob, alice, direct, "vile") is bob's report of what alice said."""

    def make(reporter, author, conversation, body="vile", **how):
        message = say(author, conversation, body)
        return accuse_of(membership(reporter, conversation), message, **how)

    return make


def accuse_of(membership, message, reason="abuse", comment=""):
    report, _is_new = report_message(
        membership=membership, message_id=message.id, reason=reason, comment=comment
    )
    return report


@pytest.fixture
def desk(browser, moderator):
    """desk.get(address): morgan, in the admin."""
    return browser(moderator)


def page_of(report):
    return f"{QUEUE}{report.id}/change/"


def press(desk, report, act):
    return desk.post(f"{QUEUE}{report.id}/act/", {"act": act}, follow=True)


def rows(answer):
    """The ids in the queue's rows, in their order."""
    return re.findall(rf'href="{QUEUE}([0-9a-f-]+)/change/', answer.content.decode())


def record():
    return list(AuditEntry.objects.order_by("id").values_list("moderator__username", "act"))


# The queue


def test_open_reports_come_first(desk, moderator, alice, bob, direct, accuse):
    first, second, third = (accuse(bob, alice, direct) for _ in range(3))
    moderation.dismiss(report=second, by=moderator)

    assert rows(desk.get(QUEUE)) == [str(one.id) for one in (third, first, second)]


def test_it_can_be_narrowed(desk, moderator, alice, bob, carol, direct, group, accuse):
    resolved = accuse(bob, alice, direct)
    moderation.dismiss(report=resolved, by=moderator)
    spam = accuse(carol, alice, group, reason="spam")
    somebody, _is_new = report_person(user=alice, username="carol", reason="other")

    for query, found in {
        "state=open": {spam, somebody},
        "state=resolved": {resolved},
        "kind=person": {somebody},
        "reason=spam": {spam},
        "q=bob": {resolved},
        "q=carol": {spam, somebody},
        "q=zed": set(),
    }.items():
        shown = set(rows(desk.get(f"{QUEUE}?{query}")))
        assert shown == {str(one.id) for one in found}, query


@pytest.mark.parametrize("number", [1, 30])
def test_it_costs_the_same_for_one_and_for_thirty(desk, alice, bob, direct, accuse, costs, number):
    for _ in range(number):
        accuse(bob, alice, direct)
    desk.get(QUEUE)

    with costs(6):
        assert len(rows(desk.get(QUEUE))) == number


def test_many_are_dismissed_at_once(desk, root, alice, bob, direct, accuse):
    reports = [accuse(bob, alice, direct) for _ in range(3)]
    moderation.dismiss(report=reports[0], by=root)

    ticked = {"action": "dismiss", "_selected_action": [str(one.id) for one in reports]}
    answer = desk.post(QUEUE, ticked, follow=True)

    assert "2 reports dismissed." in answer.content.decode()
    assert not Report.objects.open().exists()
    assert record() == [("root", "dismissed"), ("morgan", "dismissed"), ("morgan", "dismissed")]


# What they are shown


def test_morgan_reads_what_was_reported_and_a_little_around_it(
    desk, alice, bob, direct, say, membership
):
    messages = [say(alice, direct, f"<b>line {number:02}") for number in range(1, 21)]
    report = accuse_of(membership(bob, direct), messages[9], comment="look at <this>")

    page = desk.get(page_of(report)).content.decode()

    shown = re.findall(r"&lt;b&gt;line (\d\d)", page)
    assert shown == [f"{number:02}" for number in range(5, 16)]
    assert "look at &lt;this&gt;" in page
    assert "Insults, threats or harassment" in page


def test_it_is_there_after_an_edit_and_a_deletion(desk, alice, bob, direct, accuse, membership):
    report = accuse(bob, alice, direct, "vile words")
    hers = membership(alice, direct)
    edit_message(membership=hers, message_id=report.message_id, body="kind words")
    edited = desk.get(page_of(report)).content.decode()
    delete_message(membership=hers, message_id=report.message_id)
    deleted = desk.get(page_of(report)).content.decode()

    assert "vile words" in edited
    assert "has been edited since" in edited
    assert "vile words" in deleted
    assert "has been deleted since" in deleted
    assert "kind words" not in edited + deleted


def test_nothing_breaks_when_both_are_gone(desk, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)
    for user in (alice, bob):
        delete_account(user=user, password=PASSWORD)

    queue, page = desk.get(QUEUE), desk.get(page_of(report))

    assert rows(queue) == [str(report.id)]
    assert "vile" in page.content.decode()
    assert 'value="suspend"' not in page.content.decode()
    assert "Done" in press(desk, report, "remove").content.decode()


def test_what_cannot_be_read_is_said_so(desk, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct, "vile")
    Report.objects.update(sealed_content=b"tampered with")

    page = desk.get(page_of(report))

    assert page.status_code == 200
    assert "cannot be read" in page.content.decode()


def test_the_page_of_a_report_has_its_price(desk, alice, bob, direct, accuse, costs):
    report = accuse(bob, alice, direct)
    desk.get(page_of(report))

    with costs(9):
        desk.get(page_of(report))


# What they do


def test_dismissing_changes_nothing_but_the_report(desk, moderator, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)

    press(desk, report, "dismiss")

    report.refresh_from_db()
    assert (report.resolution, report.resolved_by) == ("dismissed", moderator)
    assert report.resolved_at
    assert not Message.objects.get(id=report.message_id).is_deleted


def test_morgan_deletes_a_message_of_a_chat_she_is_not_in(
    desk, program, alice, bob, group, say, membership, announced
):
    message = say(alice, group, "vile")
    react(membership=membership(bob, group), message_id=message.id, emoji="👍")
    version = membership(bob, group).conversation.version
    report = accuse_of(membership(bob, group), message)

    with announced() as events:
        press(desk, report, "remove")

    seen = program(bob).get(f"/conversations/{group.id}/messages").json()["results"]
    tombstone = next(one for one in seen if one["id"] == str(message.id))
    assert (tombstone["body"], tombstone["reactions"]) == ("", [])
    assert tombstone["deleted_at"]
    assert (tombstone["seq"], tombstone["version"]) == (message.seq, version + 1)
    assert bytes(Message.objects.get(id=message.id).sealed_body) == b""
    assert not Reaction.objects.exists()
    [event] = events
    assert json.loads(event.json) == {
        "type": "message.updated",
        "conversation": str(group.id),
        "version": version + 1,
        "message": tombstone,
    }


def test_removing_what_its_sender_has_deleted_meanwhile_says_it_is_done(
    desk, alice, bob, direct, accuse, membership, announced
):
    report = accuse(bob, alice, direct)
    delete_message(membership=membership(alice, direct), message_id=report.message_id)

    with announced() as events:
        answer = press(desk, report, "remove")

    assert "Done" in answer.content.decode()
    assert events == []


def test_all_who_reported_it_are_heard(desk, alice, bob, carol, group, say, membership):
    message, other = say(alice, group), say(alice, group)
    report = accuse_of(membership(bob, group), message)
    same = accuse_of(membership(carol, group), message)
    another = accuse_of(membership(carol, group), other)

    press(desk, report, "remove")

    same.refresh_from_db()
    assert same.resolution == "removed"
    assert list(Report.objects.open()) == [another]


def test_morgan_suspends_whoever_was_reported(desk, program, alice, bob, direct, accuse):
    client = program(alice)
    report, _is_new = report_person(user=bob, username="alice", reason="spam")

    press(desk, report, "suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (False, "suspended")
    assert client.get("/users/me").status_code == 401


def test_morgan_deletes_and_suspends_in_one(desk, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)

    press(desk, report, "remove_and_suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (False, "both")
    assert Message.objects.get(id=report.message_id).is_deleted


def test_on_second_thoughts_morgan_restores_her(desk, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)
    press(desk, report, "suspend")
    assert "Restore alice" in desk.get(page_of(report)).content.decode()

    press(desk, report, "restore")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (True, "suspended")


def test_a_person_s_report_has_no_message_to_delete(desk, alice, bob, direct):
    report, _is_new = report_person(user=bob, username="alice", reason="spam")

    assert 'value="remove"' not in desk.get(page_of(report)).content.decode()
    press(desk, report, "remove")

    report.refresh_from_db()
    assert report.is_open


# Who may not


def test_nobody_suspends_themselves_or_a_superuser(browser, moderator, root, bob, say, membership):
    for author in (moderator, root):
        report, _is_new = report_person(user=bob, username=author.username, reason="abuse")
        page = browser(moderator)

        assert 'value="suspend"' not in page.get(page_of(report)).content.decode()
        refused = press(page, report, "suspend")

        author.refresh_from_db()
        report.refresh_from_db()
        assert "only superusers suspend a superuser" in refused.content.decode()
        assert author.is_active
        assert report.is_open
    assert [act for _who, act in record()] == ["looked", "looked"]


def test_a_message_stays_when_its_sender_cannot_be_suspended(
    desk, person, root, bob, say, membership
):
    conversation, _is_new = start_direct(user=bob, username="root")
    report = accuse_of(membership(bob, conversation), say(root, conversation))

    press(desk, report, "remove_and_suspend")

    report.refresh_from_db()
    assert report.is_open
    assert not Message.objects.get(id=report.message_id).is_deleted


@pytest.mark.parametrize("act", ["dismiss", "remove", "suspend", "remove_and_suspend", "restore"])
def test_whoever_may_only_look_does_nothing(browser, person, alice, bob, direct, accuse, act):
    report = accuse(bob, alice, direct)
    watcher = person("watcher", is_staff=True)
    watchers = Group.objects.create(name="Watchers")
    watchers.permissions.set(
        Group.objects.get(name="Moderators").permissions.filter(codename="view_report")
    )
    watcher.groups.add(watchers)
    page = browser(watcher)

    shown = page.get(page_of(report)).content.decode()
    ticked = {"action": "dismiss", "_selected_action": [str(report.id)]}

    assert "vile" in shown
    assert 'name="act"' not in shown
    assert press(page, report, act).status_code == 403
    page.post(QUEUE, ticked)
    report.refresh_from_db()
    assert report.is_open


@pytest.mark.parametrize("who", ["alice", "erin"])
def test_neither_people_nor_staff_without_a_permission_come_near(
    browser, person, alice, bob, direct, accuse, who
):
    erin = person("erin", is_staff=True)
    report = accuse(bob, alice, direct)
    page = browser({"alice": alice, "erin": erin}[who])

    answers = [page.get(address) for address in (QUEUE, page_of(report), AUDIT)]

    assert not [answer for answer in answers if answer.status_code == 200]
    assert press(page, report, "dismiss").status_code == 403
    report.refresh_from_db()
    assert report.is_open
    assert record() == []


@pytest.mark.parametrize("path", ["add/", "{id}/delete/"])
@pytest.mark.parametrize("model", [Report, AuditEntry])
def test_nobody_adds_or_deletes_reports_or_the_record(
    browser, root, alice, bob, direct, accuse, model, path
):
    page = browser(root)
    page.get(page_of(accuse(bob, alice, direct)))
    row = model.objects.get()
    address = f"/admin/messaging/{model._meta.model_name}/{path.format(id=row.pk)}"

    assert page.get(address).status_code == 403
    assert page.post(address, {"post": "yes"}).status_code == 403
    assert list(model.objects.all()) == [row]


def test_the_record_is_not_changed(browser, root, alice, bob, direct, accuse):
    page = browser(root)
    page.get(page_of(accuse(bob, alice, direct)))
    address = f"{AUDIT}{AuditEntry.objects.get().pk}/change/"
    delete_all = {"action": "delete_selected", "_selected_action": [AuditEntry.objects.get().pk]}

    assert page.get(address).status_code == 200
    assert page.post(address, {"act": "dismissed"}).status_code == 403
    page.post(AUDIT, delete_all | {"post": "yes"})
    assert record() == [("root", "looked")]


def test_an_act_is_posted_and_known(desk, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)

    assert desk.get(f"{QUEUE}{report.id}/act/").status_code == 405
    assert press(desk, report, "promote").status_code == 403
    assert press(desk, Report(), "dismiss").status_code == 404


# The record


def test_who_looked_and_what_was_done_is_on_record(desk, browser, root, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)
    desk.get(QUEUE)
    assert record() == []

    desk.get(page_of(report))
    browser(root).get(page_of(report))
    press(desk, report, "remove_and_suspend")
    press(desk, report, "restore")

    assert record() == [
        ("morgan", "looked"),
        ("root", "looked"),
        ("morgan", "removed"),
        ("morgan", "suspended"),
        ("morgan", "restored"),
    ]
    page = desk.get(AUDIT).content.decode()
    assert "looked at the report" in page
    assert "vile" not in page


@pytest.mark.parametrize("number", [1, 30])
def test_the_record_costs_the_same_for_one_and_for_thirty(
    desk, alice, bob, direct, accuse, costs, number
):
    for _ in range(number):
        desk.get(page_of(accuse(bob, alice, direct)))

    with costs(6):
        desk.get(AUDIT)


def test_what_was_said_is_in_no_log(desk, alice, bob, direct, accuse, caplog):
    caplog.set_level("DEBUG")
    report = accuse(bob, alice, direct, "vile words", comment="rude words")
    desk.get(page_of(report))
    press(desk, report, "remove_and_suspend")

    assert "vile words" not in caplog.text
    assert "rude words" not in caplog.text


# Two of them


def test_the_slower_of_two_is_told(desk, root, alice, bob, direct, accuse):
    report = accuse(bob, alice, direct)
    moderation.dismiss(report=report, by=root)

    answer = press(desk, report, "remove_and_suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert "Somebody has seen to this report already." in answer.content.decode()
    assert (report.resolution, report.resolved_by) == ("dismissed", root)
    assert not Message.objects.get(id=report.message_id).is_deleted
    assert alice.is_active
    assert record() == [("root", "dismissed")]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_has_it(person, alice, bob, direct, accuse, together):
    one, other = person("one", is_staff=True), person("other", is_staff=True)
    report = accuse(bob, alice, direct)

    answers = together(
        partial(moderation.dismiss, report=report, by=one),
        partial(moderation.remove_and_suspend, report=report, by=other),
    )

    alice.refresh_from_db()
    report.refresh_from_db()
    assert sorted(type(answer) for answer in answers if answer) == [AlreadyResolved]
    assert {report.resolution, report.resolved_by} in ({"dismissed", one}, {"both", other})
    assert (
        Message.objects.get().is_deleted == (not alice.is_active) == (report.resolved_by == other)
    )


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_one_message_at_once_do_not_block_each_other(
    person, alice, bob, carol, group, say, membership, together
):
    one, other = person("one", is_staff=True), person("other", is_staff=True)
    message = say(alice, group)
    his, hers = (accuse_of(membership(user, group), message) for user in (bob, carol))

    answers = together(
        partial(moderation.remove, report=his, by=one),
        partial(moderation.remove, report=hers, by=other),
    )

    refusals = [answer for answer in answers if isinstance(answer, DomainError)]
    assert [type(refusal) for refusal in refusals] == [AlreadyResolved]
    assert not Report.objects.open().exists()
    assert AuditEntry.objects.count() == 1
