"""Moderation in the admin: the list of reports, one report, the actions and the audit log."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from django.contrib.auth.models import Group

from accounts.models import User
from accounts.services import delete_account
from chatflow.errors import DomainError, NotFound
from conversations.services import start_direct
from messaging.models import AuditEntry, Message, Reaction, Report
from messaging.moderation import actions as moderation
from messaging.moderation.actions import AlreadyResolved, Resolution
from messaging.moderation.reports import report_message, report_person
from messaging.services import delete_message, edit_message, react
from tests.conftest import PASSWORD

REPORTS = "/admin/messaging/report/"
AUDIT_LOG = "/admin/messaging/auditentry/"


@pytest.fixture
def root(person) -> User:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def make_report(say, membership):
    """make_report(bob, alice, direct, "vile") sends a message by Alice and reports it as Bob."""

    def make(reporter, author, conversation, body="vile", **fields):
        message = say(author, conversation, body)
        return report_of(membership(reporter, conversation), message, **fields)

    return make


def report_of(membership, message, reason="abuse", comment=""):
    report, _is_new = report_message(
        membership=membership, message_id=message.id, reason=reason, comment=comment
    )
    return report


@pytest.fixture
def desk(browser, moderator):
    """The admin's client, logged in as the moderator."""
    return browser(moderator)


def page_of(report):
    return f"{REPORTS}{report.id}/change/"


def press(desk, report, act):
    return desk.post(f"{REPORTS}{report.id}/act/", {"act": act}, follow=True)


def rows(answer):
    """Return the ids of the listed reports in their order."""
    return re.findall(rf'href="{REPORTS}([0-9a-f-]+)/change/', answer.content.decode())


def audit_log():
    return list(AuditEntry.objects.order_by("id").values_list("moderator__username", "act"))


# --- the list ------------------------------------------------------------------------------------


def test_open_reports_are_listed_first(desk, moderator, alice, bob, direct, make_report):
    first, second, third = (make_report(bob, alice, direct) for _ in range(3))
    moderation.resolve(resolution=Resolution.DISMISSED, report=second, by=moderator)

    assert rows(desk.get(REPORTS)) == [str(one.id) for one in (third, first, second)]


def test_list_can_be_filtered_and_searched(
    desk, moderator, alice, bob, carol, direct, group, make_report
):
    resolved = make_report(bob, alice, direct)
    moderation.resolve(resolution=Resolution.DISMISSED, report=resolved, by=moderator)
    spam = make_report(carol, alice, group, reason="spam")
    about_carol, _is_new = report_person(user=alice, username="carol", reason="other")

    for query, found in {
        "state=open": {spam, about_carol},
        "state=resolved": {resolved},
        "kind=person": {about_carol},
        "reason=spam": {spam},
        "q=bob": {resolved},
        "q=carol": {spam, about_carol},
        "q=zed": set(),
    }.items():
        shown = set(rows(desk.get(f"{REPORTS}?{query}")))
        assert shown == {str(one.id) for one in found}, query


@pytest.mark.parametrize("number", [1, 30])
def test_queries_of_the_list_do_not_grow_with_its_length(
    desk, alice, bob, direct, make_report, costs, number
):
    for _ in range(number):
        make_report(bob, alice, direct)
    desk.get(REPORTS)

    with costs(6):
        assert len(rows(desk.get(REPORTS))) == number


def test_moderator_dismisses_several_reports_at_once(desk, root, alice, bob, direct, make_report):
    reports = [make_report(bob, alice, direct) for _ in range(3)]
    moderation.resolve(resolution=Resolution.DISMISSED, report=reports[0], by=root)

    ticked = {"action": "dismiss", "_selected_action": [str(one.id) for one in reports]}
    answer = desk.post(REPORTS, ticked, follow=True)

    assert "2 reports dismissed." in answer.content.decode()
    assert not Report.objects.open().exists()
    assert audit_log() == [("root", "dismissed"), ("morgan", "dismissed"), ("morgan", "dismissed")]


# --- one report ----------------------------------------------------------------------------------


def test_page_shows_the_reported_message_and_its_neighbours(
    desk, alice, bob, direct, say, membership
):
    messages = [say(alice, direct, f"<b>line {number:02}") for number in range(1, 21)]
    report = report_of(membership(bob, direct), messages[9], comment="look at <this>")

    page = desk.get(page_of(report)).content.decode()

    shown = re.findall(r"&lt;b&gt;line (\d\d)", page)
    assert shown == [f"{number:02}" for number in range(5, 16)]
    assert "look at &lt;this&gt;" in page
    assert "Insults, threats or harassment" in page


def test_page_shows_the_original_text_after_edit_and_deletion(
    desk, alice, bob, direct, make_report, membership
):
    report = make_report(bob, alice, direct, "vile words")
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


def test_report_can_be_resolved_after_both_accounts_were_deleted(
    desk, alice, bob, direct, make_report
):
    report = make_report(bob, alice, direct)
    for user in (alice, bob):
        delete_account(user=user, password=PASSWORD)

    queue, page = desk.get(REPORTS), desk.get(page_of(report))

    assert rows(queue) == [str(report.id)]
    assert "vile" in page.content.decode()
    assert 'value="suspend"' not in page.content.decode()
    assert "Done" in press(desk, report, "remove").content.decode()


def test_page_says_that_an_altered_report_is_unreadable(desk, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct, "vile")
    Report.objects.update(sealed_content=b"tampered with")

    page = desk.get(page_of(report))

    assert page.status_code == 200
    assert "cannot be read" in page.content.decode()


def test_page_of_a_report_takes_nine_queries(desk, alice, bob, direct, make_report, costs):
    report = make_report(bob, alice, direct)
    desk.get(page_of(report))

    with costs(9):
        desk.get(page_of(report))


# --- actions -------------------------------------------------------------------------------------


def test_dismissing_changes_only_the_report(desk, moderator, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct)

    press(desk, report, "dismiss")

    report.refresh_from_db()
    assert (report.resolution, report.resolved_by) == ("dismissed", moderator)
    assert report.resolved_at
    assert not Message.objects.get(id=report.message_id).is_deleted


def test_moderator_deletes_a_message_without_being_a_member(
    desk, program, alice, bob, group, say, membership, announced
):
    message = say(alice, group, "vile")
    react(membership=membership(bob, group), message_id=message.id, emoji="👍")
    version = membership(bob, group).conversation.version
    report = report_of(membership(bob, group), message)

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


def test_removing_a_message_that_was_deleted_meanwhile_succeeds(
    desk, alice, bob, direct, make_report, membership, announced
):
    report = make_report(bob, alice, direct)
    delete_message(membership=membership(alice, direct), message_id=report.message_id)

    with announced() as events:
        answer = press(desk, report, "remove")

    assert "Done" in answer.content.decode()
    assert events == []


def test_removing_a_message_resolves_all_reports_about_it(
    desk, alice, bob, carol, group, say, membership
):
    message, other = say(alice, group), say(alice, group)
    report = report_of(membership(bob, group), message)
    same = report_of(membership(carol, group), message)
    another = report_of(membership(carol, group), other)

    press(desk, report, "remove")

    same.refresh_from_db()
    assert same.resolution == "removed"
    assert list(Report.objects.open()) == [another]


def test_moderator_suspends_the_reported_user(desk, program, alice, bob, direct, make_report):
    client = program(alice)
    report, _is_new = report_person(user=bob, username="alice", reason="spam")

    press(desk, report, "suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (False, "suspended")
    assert client.get("/users/me").status_code == 401


def test_moderator_deletes_and_suspends_at_once(desk, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct)

    press(desk, report, "remove_and_suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (False, "both")
    assert Message.objects.get(id=report.message_id).is_deleted


def test_moderator_lifts_a_suspension(desk, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct)
    press(desk, report, "suspend")
    assert "Restore alice" in desk.get(page_of(report)).content.decode()

    press(desk, report, "restore")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert (alice.is_active, report.resolution) == (True, "suspended")


def test_report_about_a_user_has_no_message_to_delete(desk, alice, bob, direct):
    report, _is_new = report_person(user=bob, username="alice", reason="spam")

    assert 'value="remove"' not in desk.get(page_of(report)).content.decode()
    press(desk, report, "remove")

    report.refresh_from_db()
    assert report.is_open


# --- permissions ---------------------------------------------------------------------------------


def test_moderator_cannot_suspend_a_superuser(browser, moderator, root, bob):
    report, _is_new = report_person(user=bob, username="root", reason="abuse")
    page = browser(moderator)

    assert 'value="suspend"' not in page.get(page_of(report)).content.decode()
    refused = press(page, report, "suspend")

    root.refresh_from_db()
    report.refresh_from_db()
    assert "only superusers can suspend a superuser" in refused.content.decode()
    assert root.is_active
    assert report.is_open
    assert [act for _who, act in audit_log()] == ["looked"]


def test_message_is_not_deleted_if_its_sender_cannot_be_suspended(
    desk, person, root, bob, say, membership
):
    conversation, _is_new = start_direct(user=bob, username="root")
    report = report_of(membership(bob, conversation), say(root, conversation))

    press(desk, report, "remove_and_suspend")

    report.refresh_from_db()
    assert report.is_open
    assert not Message.objects.get(id=report.message_id).is_deleted


@pytest.mark.parametrize("act", ["dismiss", "remove", "suspend", "remove_and_suspend", "restore"])
def test_staff_with_only_view_permission_cannot_act(
    browser, person, alice, bob, direct, make_report, act
):
    report = make_report(bob, alice, direct)
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
    page.post(REPORTS, ticked)
    report.refresh_from_db()
    assert report.is_open


@pytest.mark.parametrize("who", ["alice", "erin"])
def test_users_and_staff_without_permission_see_nothing(
    browser, person, alice, bob, direct, make_report, who
):
    erin = person("erin", is_staff=True)
    report = make_report(bob, alice, direct)
    page = browser({"alice": alice, "erin": erin}[who])

    answers = [page.get(address) for address in (REPORTS, page_of(report), AUDIT_LOG)]

    assert not [answer for answer in answers if answer.status_code == 200]
    assert press(page, report, "dismiss").status_code == 403
    report.refresh_from_db()
    assert report.is_open
    assert audit_log() == []


@pytest.mark.parametrize("path", ["add/", "{id}/delete/"])
@pytest.mark.parametrize("model", [Report, AuditEntry])
def test_reports_and_audit_entries_cannot_be_added_or_deleted(
    browser, root, alice, bob, direct, make_report, model, path
):
    page = browser(root)
    page.get(page_of(make_report(bob, alice, direct)))
    row = model.objects.get()
    address = f"/admin/messaging/{model._meta.model_name}/{path.format(id=row.pk)}"

    assert page.get(address).status_code == 403
    assert page.post(address, {"post": "yes"}).status_code == 403
    assert list(model.objects.all()) == [row]


def test_audit_entries_cannot_be_changed(browser, root, alice, bob, direct, make_report):
    page = browser(root)
    page.get(page_of(make_report(bob, alice, direct)))
    address = f"{AUDIT_LOG}{AuditEntry.objects.get().pk}/change/"
    delete_all = {"action": "delete_selected", "_selected_action": [AuditEntry.objects.get().pk]}

    assert page.get(address).status_code == 200
    assert page.post(address, {"act": "dismissed"}).status_code == 403
    page.post(AUDIT_LOG, delete_all | {"post": "yes"})
    assert audit_log() == [("root", "looked")]


def test_unknown_acts_methods_and_reports_are_refused(desk, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct)

    assert desk.get(f"{REPORTS}{report.id}/act/").status_code == 405
    assert press(desk, report, "promote").status_code == 403
    assert press(desk, Report(), "dismiss").status_code == 404


# --- the audit log -------------------------------------------------------------------------------


def test_audit_log_records_looking_and_acting(desk, browser, root, alice, bob, direct, make_report):
    report = make_report(bob, alice, direct)
    desk.get(REPORTS)
    assert audit_log() == []

    desk.get(page_of(report))
    browser(root).get(page_of(report))
    press(desk, report, "remove_and_suspend")
    press(desk, report, "restore")

    assert audit_log() == [
        ("morgan", "looked"),
        ("root", "looked"),
        ("morgan", "removed"),
        ("morgan", "suspended"),
        ("morgan", "restored"),
    ]
    page = desk.get(AUDIT_LOG).content.decode()
    assert "looked at the report" in page
    assert "vile" not in page


@pytest.mark.parametrize("number", [1, 30])
def test_queries_of_the_audit_log_do_not_grow_with_its_length(
    desk, alice, bob, direct, make_report, costs, number
):
    for _ in range(number):
        desk.get(page_of(make_report(bob, alice, direct)))

    with costs(6):
        desk.get(AUDIT_LOG)


def test_reported_texts_are_not_logged(desk, alice, bob, direct, make_report, caplog):
    caplog.set_level("DEBUG")
    report = make_report(bob, alice, direct, "vile words", comment="rude words")
    desk.get(page_of(report))
    press(desk, report, "remove_and_suspend")

    assert "vile words" not in caplog.text
    assert "rude words" not in caplog.text


# --- concurrent moderators -----------------------------------------------------------------------


def test_second_moderator_is_told_that_the_report_is_resolved(
    desk, root, alice, bob, direct, make_report
):
    report = make_report(bob, alice, direct)
    moderation.resolve(resolution=Resolution.DISMISSED, report=report, by=root)

    answer = press(desk, report, "remove_and_suspend")

    alice.refresh_from_db()
    report.refresh_from_db()
    assert "This report has already been resolved." in answer.content.decode()
    assert (report.resolution, report.resolved_by) == ("dismissed", root)
    assert not Message.objects.get(id=report.message_id).is_deleted
    assert alice.is_active
    assert audit_log() == [("root", "dismissed")]


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_concurrent_resolutions_succeeds(
    person, alice, bob, direct, make_report, together
):
    one, other = person("one", is_staff=True), person("other", is_staff=True)
    report = make_report(bob, alice, direct)

    answers = together(
        partial(moderation.resolve, resolution=Resolution.DISMISSED, report=report, by=one),
        partial(
            moderation.resolve, resolution=Resolution.REMOVED_AND_SUSPENDED, report=report, by=other
        ),
    )

    alice.refresh_from_db()
    report.refresh_from_db()
    assert sorted(type(answer) for answer in answers if answer) == [AlreadyResolved]
    assert {report.resolution, report.resolved_by} in ({"dismissed", one}, {"both", other})
    assert (
        Message.objects.get().is_deleted == (not alice.is_active) == (report.resolved_by == other)
    )


@pytest.mark.django_db(transaction=True)
def test_concurrent_removals_of_one_message_do_not_deadlock(
    person, alice, bob, carol, group, say, membership, together
):
    one, other = person("one", is_staff=True), person("other", is_staff=True)
    message = say(alice, group)
    his, hers = (report_of(membership(user, group), message) for user in (bob, carol))

    answers = together(
        partial(moderation.resolve, resolution=Resolution.REMOVED, report=his, by=one),
        partial(moderation.resolve, resolution=Resolution.REMOVED, report=hers, by=other),
    )

    refusals = [answer for answer in answers if isinstance(answer, DomainError)]
    assert [type(refusal) for refusal in refusals] == [AlreadyResolved]
    assert not Report.objects.open().exists()
    assert AuditEntry.objects.count() == 1


# --- reports about moderators --------------------------------------------------------------------


@pytest.fixture
def about_morgan(moderator, bob, make_report):
    """Bob's report of a message by the moderator."""
    conversation, _is_new = start_direct(user=moderator, username="bob")
    return make_report(bob, moderator, conversation)


def test_moderator_cannot_see_a_report_about_themselves(desk, browser, root, about_morgan):
    browser(root).get(page_of(about_morgan))  # which is recorded

    assert rows(desk.get(REPORTS)) == rows(desk.get(f"{REPORTS}?q=bob")) == []
    assert 'field-act">looked' not in desk.get(AUDIT_LOG).content.decode()
    assert 'field-act">looked' in browser(root).get(AUDIT_LOG).content.decode()
    assert desk.get(page_of(about_morgan)).status_code == 302  # as for a report that does not exist
    assert rows(browser(root).get(REPORTS)) == [str(about_morgan.id)]


@pytest.mark.parametrize("act", ["dismiss", "remove", "suspend", "remove_and_suspend", "restore"])
def test_moderator_cannot_resolve_a_report_about_themselves(desk, moderator, about_morgan, act):
    answer = desk.post(f"{REPORTS}{about_morgan.id}/act/", {"act": act})

    moderator.refresh_from_db()
    assert answer.status_code == 404
    assert Report.objects.open().exists()
    assert (moderator.is_active, audit_log()) == (True, [])


def test_moderator_cannot_dismiss_it_together_with_others(
    desk, alice, bob, direct, make_report, about_morgan
):
    other = make_report(bob, alice, direct)
    ticked = [str(about_morgan.id), str(other.id)]

    desk.post(REPORTS, {"action": "dismiss", "_selected_action": ticked})

    assert list(Report.objects.open()) == [about_morgan]


@pytest.mark.parametrize(
    "act",
    [
        moderation.look_at,
        *(partial(moderation.resolve, resolution=each) for each in Resolution),
        partial(moderation.restore, person=None),
    ],
)
def test_services_refuse_reports_about_the_moderator(moderator, about_morgan, act):
    with pytest.raises(NotFound):
        act(report=about_morgan, by=moderator)

    assert audit_log() == []
