"""Report a message or a user to the moderators. The API and the pages call these functions.

A user has at most one open report about the same thing. Reporting it again returns that one.
"""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.errors import DomainError, NotFound, Unavailable
from chatflow.limits import policy as limits
from chatflow.limits.policy import limited
from chatflow.text.visible import can_be_stored, is_visible, trimmed
from conversations.models import Conversation, Membership
from messaging import history
from messaging.moderation.models import Report
from messaging.moderation.snapshots import Content, lines_around, seal
from messaging.services import NotReportable, require_reportable

MAX_COMMENT_LENGTH = 500
ATTEMPTS = 5


class BadComment(DomainError):
    code = "bad_comment"


class NothingShared(DomainError):
    code = "nothing_shared"
    message = _("You cannot add a comment because you share no chat with this person.")


@limited(limits.STARTING)
def report_message(
    *, membership: Membership, message_id: uuid.UUID, reason: str, comment: str = ""
) -> tuple[Report, bool]:
    """Report a message and return the report, and whether it is new. Raises NotReportable."""
    comment = _good_comment(comment)
    message = history.find_message(membership, message_id)
    require_reportable(message, membership)
    assert message.sender  # only system messages have none
    report = Report(
        kind=Report.Kind.MESSAGE,
        reporter=membership.user,
        person=message.sender,
        conversation=membership.conversation,
        message=message,
        reason=reason,
    )
    return _save(report, Content(comment, lines_around(membership, message)))


@limited(limits.STARTING)
def report_person(
    *, user: User, username: str, reason: str, comment: str = ""
) -> tuple[Report, bool]:
    """Report a user and return the report, and whether it is new.

    Raises NothingShared for a comment about somebody without a shared conversation, because the
    comment is encrypted with that conversation's key.
    """
    comment = _good_comment(comment)
    person = User.objects.reachable().named(username).first()
    if person is None:
        raise NotFound
    if person == user:
        raise NotReportable
    conversation = Conversation.objects.shared_by(user, person).first()
    if comment and not conversation:
        raise NothingShared(field="comment")
    report = Report(
        kind=Report.Kind.PERSON,
        reporter=user,
        person=person,
        conversation=conversation,
        reason=reason,
    )
    return _save(report, Content(comment))


def _save(report: Report, content: Content) -> tuple[Report, bool]:
    same = Report.objects.open().filter(
        reporter=report.reporter, kind=report.kind, person=report.person, message=report.message
    )
    if report.conversation:
        seal(report, content)
    for _attempt in range(ATTEMPTS):
        if existing := same.first():
            return existing, False
        # Fails if the user's other device reports the same at this moment. A moderator may resolve
        # that report before it is found, so the loop tries again.
        with suppress(IntegrityError), transaction.atomic():
            report.save(force_insert=True)
            return report, True
    raise Unavailable


def _good_comment(comment: str) -> str:
    comment = trimmed(comment)
    if len(comment) > MAX_COMMENT_LENGTH or not can_be_stored(comment):
        text = _("A comment can have at most %(limit)s characters.")
        raise BadComment(text % {"limit": MAX_COMMENT_LENGTH}, field="comment")
    return comment if is_visible(comment) else ""
