"""What people can report to the moderators: a message or a person. API and pages call these.

The same one's report of the same thing is one report for as long as it is open: the first stands,
and what comes again changes nothing.
"""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow import limits
from chatflow.errors import DomainError, Forbidden, NotFound
from chatflow.limits import limited
from conversations.models import Conversation, Membership
from messaging import history
from messaging.evidence import Content, lines_around, seal
from messaging.models import Message, Report
from messaging.services import can_be_shown

COMMENT_LENGTH = 500


class NotReportable(Forbidden):
    code = "not_reportable"
    message = _("This cannot be reported.")


class BadComment(DomainError):
    code = "bad_comment"
    message = _("A comment has 500 characters at most.")


class NothingShared(DomainError):
    code = "nothing_shared"
    message = _("You share no chat with this person: say it by the reason alone.")


@limited(limits.REPORTING)
def report_message(
    *, membership: Membership, message_id: uuid.UUID, reason: Report.Reason, comment: str = ""
) -> tuple[Report, bool]:
    """The report, and whether it is new. Raises NotReportable for one's own and for notices."""
    comment = _good_comment(comment)
    message = history.find_message(membership, message_id)
    require_reportable(message, membership)
    assert message.sender  # only notices have none
    report = Report(
        kind=Report.Kind.MESSAGE,
        reporter=membership.user,
        person=message.sender,
        conversation=membership.conversation,
        message=message,
        reason=reason,
    )
    return _file(report, Content(comment, lines_around(membership, message)))


@limited(limits.REPORTING)
def report_person(
    *, user: User, username: str, reason: Report.Reason, comment: str = ""
) -> tuple[Report, bool]:
    """The report, and whether it is new. A comment needs a shared chat, whose key seals it."""
    comment = _good_comment(comment)
    person = User.objects.reachable().named(username).first()
    if person is None:
        raise NotFound
    if person == user:
        raise NotReportable
    report = Report(
        kind=Report.Kind.PERSON,
        reporter=user,
        person=person,
        conversation=Conversation.objects.shared_by(user, person).first(),
        reason=reason,
    )
    if comment and not report.conversation:
        raise NothingShared(field="comment")
    return _file(report, Content(comment))


def _file(report: Report, content: Content) -> tuple[Report, bool]:
    """Every report goes through here, whatever it is about and wherever it comes from."""
    same = (
        Report.objects.open()
        .by(report.reporter)
        .filter(kind=report.kind, person=report.person, message=report.message)
    )
    if existing := same.first():
        return existing, False
    if report.conversation:
        seal(report, content)
    try:
        with transaction.atomic():
            report.save(force_insert=True)
    except IntegrityError:
        return same.get(), False  # from another device at this very moment
    return report, True


# --- rules ---------------------------------------------------------------------------------------


def require_reportable(message: Message, membership: Membership) -> None:
    """What somebody else said and what can still be read."""
    is_own = message.sender_id == membership.user_id
    if is_own or message.is_notice or message.is_deleted:
        raise NotReportable


def _good_comment(comment: str) -> str:
    comment = comment.strip()
    if len(comment) > COMMENT_LENGTH or not can_be_shown(comment):
        raise BadComment(field="comment")
    return comment
