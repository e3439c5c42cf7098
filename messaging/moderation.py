"""What moderators can do, and the record of it. Only the admin calls these.

It stands above all services: it calls those of accounts and of messages, and none of them calls it.
Looking at what was reported is an act as well, so there is no way to it but `look_at`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import services as accounts
from accounts.models import User
from chatflow.errors import Conflict, NotFound
from messaging import evidence
from messaging import services as messages
from messaging.evidence import Content
from messaging.models import AuditEntry, Report

Act = AuditEntry.Act
Resolution = Report.Resolution


class AlreadyResolved(Conflict):
    code = "already_resolved"
    message = _("Somebody has seen to this report already.")


@transaction.atomic
def look_at(*, report: Report, by: User) -> Content:
    """Needs `.for_display()`."""
    _record(Act.LOOKED, by=by, person=report.person, report=report)
    return evidence.opened(report)


@transaction.atomic
def dismiss(*, report: Report, by: User) -> None:
    _resolve(report, Resolution.DISMISSED, by=by)
    _record(Act.DISMISSED, by=by, person=report.person, report=report)


def dismiss_all(*, reports: Iterable[Report], by: User) -> int:
    """How many; those that somebody else was faster with are passed over."""
    dismissed = 0
    for report in reports:
        with suppress(AlreadyResolved):
            dismiss(report=report, by=by)
            dismissed += 1
    return dismissed


@transaction.atomic
def remove(*, report: Report, by: User) -> None:
    """The message, for everyone; whoever else reported it has been heard as well."""
    _remove_message(report, by=by)
    _resolve(report, Resolution.REMOVED, by=by)
    _resolve_same(report, by=by)


@transaction.atomic
def suspend_reported(*, report: Report, by: User) -> None:
    _resolve(report, Resolution.SUSPENDED, by=by)
    suspend(person=report.person, by=by, report=report)


@transaction.atomic
def remove_and_suspend(*, report: Report, by: User) -> None:
    _remove_message(report, by=by)
    _resolve(report, Resolution.REMOVED_AND_SUSPENDED, by=by)
    _resolve_same(report, by=by)
    suspend(person=report.person, by=by, report=report)


def restore_reported(*, report: Report, by: User) -> None:
    """On second thoughts; how the report was resolved stays on record."""
    restore(person=report.person, by=by, report=report)


@transaction.atomic
def suspend(*, person: User, by: User, report: Report | None = None) -> None:
    """Raises Untouchable for oneself, for superusers, and for who is gone."""
    accounts.require_suspendable(person, by=by)
    accounts.suspend(user=person)
    _record(Act.SUSPENDED, by=by, person=person, report=report)


@transaction.atomic
def restore(*, person: User, by: User, report: Report | None = None) -> None:
    accounts.restore(user=person)
    _record(Act.RESTORED, by=by, person=person, report=report)


# --- steps ---------------------------------------------------------------------------------------


def _remove_message(report: Report, *, by: User) -> None:
    """First of all: the lock of its conversation orders those who remove it for two reports."""
    if report.message_id is None:
        raise NotFound
    messages.remove_message(message_id=report.message_id)
    _record(Act.REMOVED, by=by, person=report.person, report=report)


def _resolve(report: Report, resolution: Resolution, *, by: User) -> None:
    """A conditional update, so of two moderators at once one has it, and the other is told."""
    if not Report.objects.open().filter(id=report.id).resolve(resolution, by=by):
        raise AlreadyResolved


def _resolve_same(report: Report, *, by: User) -> None:
    Report.objects.open().filter(message=report.message_id).resolve(Resolution.REMOVED, by=by)


def _record(act: Act, *, by: User, person: User, report: Report | None) -> None:
    AuditEntry.objects.create(moderator=by, act=act, person=person, report=report)
