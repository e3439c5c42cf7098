"""What moderators can do, and the audit log of it. Only the admin calls these functions.

They call the services of accounts and messaging, which do not import this module. Reading a report
is recorded as well, so pages show its content only through `look_at`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import services as accounts
from accounts.models import User
from chatflow.errors import Conflict, NotFound
from messaging import services as messages
from messaging.moderation import snapshots
from messaging.moderation.models import AuditEntry, Report
from messaging.moderation.snapshots import Content

Act = AuditEntry.Act
Resolution = Report.Resolution

REMOVING = (Resolution.REMOVED, Resolution.REMOVED_AND_SUSPENDED)
SUSPENDING = (Resolution.SUSPENDED, Resolution.REMOVED_AND_SUSPENDED)


class AlreadyResolved(Conflict):
    code = "already_resolved"
    message = _("This report has already been resolved.")


@transaction.atomic
def look_at(*, report: Report, by: User) -> Content:
    """Return what was reported. The report must be loaded with `ReportQuerySet.for_display`."""
    _require_about_another(report, by)
    _record(Act.LOOKED, by=by, person=report.person, report=report)
    return snapshots.opened(report)


@transaction.atomic
def resolve(*, report: Report, resolution: Resolution, by: User) -> None:
    """Dismiss a report, or delete its message, suspend its person, or both.

    Deleting the message resolves all open reports about it. Raises AlreadyResolved, and NotFound if
    a message is to be deleted and the report is about none.
    """
    _require_about_another(report, by)
    if resolution in REMOVING:
        # This comes first: the conversation's lock orders moderators with reports of one message.
        if report.message_id is None:
            raise NotFound
        messages.remove_message(message_id=report.message_id)
        _record(Act.REMOVED, by=by, person=report.person, report=report)
    if not Report.objects.open().filter(id=report.id).resolve(resolution, by=by):
        raise AlreadyResolved
    if resolution == Resolution.DISMISSED:
        _record(Act.DISMISSED, by=by, person=report.person, report=report)
    if resolution in REMOVING:
        same = Report.objects.open().filter(message=report.message_id)
        same.resolve(Resolution.REMOVED, by=by)
    if resolution in SUSPENDING:
        suspend(person=report.person, by=by, report=report)


def dismiss_all(*, reports: Iterable[Report], by: User) -> int:
    """Dismiss the reports that are still open and return their number."""
    dismissed = 0
    for report in reports:
        with suppress(AlreadyResolved, NotFound):
            resolve(report=report, resolution=Resolution.DISMISSED, by=by)
            dismissed += 1
    return dismissed


@transaction.atomic
def suspend(*, person: User, by: User, report: Report | None = None) -> None:
    """Suspend a user. Raises NotSuspendable for oneself, superusers and deleted accounts."""
    person = User.objects.locked().get(id=person.id)
    accounts.require_suspendable(person, by=by)
    accounts.suspend(user=person)
    _record(Act.SUSPENDED, by=by, person=person, report=report)


@transaction.atomic
def restore(*, person: User, by: User, report: Report | None = None) -> None:
    """Lift a suspension. The resolution of the report that led to it remains."""
    if report:
        _require_about_another(report, by)
    accounts.restore(user=person)
    _record(Act.RESTORED, by=by, person=person, report=report)


def _require_about_another(report: Report, moderator: User) -> None:
    """Raise NotFound for a report about the moderator."""
    if report.person_id == moderator.id:
        raise NotFound


def _record(act: Act, *, by: User, person: User, report: Report | None) -> None:
    AuditEntry.objects.create(moderator=by, act=act, person=person, report=report)
