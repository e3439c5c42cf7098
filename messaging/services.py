"""What members can do with messages. Every interface calls these.

Each takes the asker's membership, which is the right to do it, and reads it anew under the lock of
its conversation: whoever was removed a moment ago is told so, and nothing is written.
"""

from __future__ import annotations

import unicodedata
import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts.models import User
from chatflow import limits
from chatflow.errors import Conflict, DomainError, Forbidden
from chatflow.limits import limited
from conversations.access import blockers_in, lock_membership
from conversations.encryption import sealed
from conversations.events import membership_updated
from conversations.models import Conversation, Membership
from messaging import events, history, index
from messaging.emoji import good_emoji
from messaging.models import BODY_LENGTH, Message, Reaction
from messaging.notices import Notice, notice_fact
from messaging.receipts import move_watermarks, raise_watermarks

EDITABLE_FOR = timedelta(minutes=15)
DELETABLE_FOR = timedelta(hours=48)
MOST_REACTIONS = 10  # of one person to one message, because everybody is shown all of them


class BadBody(DomainError):
    code = "bad_body"
    message = _("A message has 1 to 4096 characters.")


class IdIsTaken(Conflict):
    code = "id_is_taken"
    message = _("There is another message with this id.")


class BadReply(DomainError):
    code = "bad_reply"
    message = _("The message you reply to is not in this conversation.")


class TooLate(Forbidden):
    code = "too_late"
    message = _("It is too late for this.")


class TooManyReactions(Forbidden):
    code = "too_many_reactions"
    message = _("A message takes ten reactions of one person.")


# --- saying --------------------------------------------------------------------------------------


@limited(limits.WRITING)
def send_message(
    *,
    membership: Membership,
    body: str,
    message_id: uuid.UUID | None = None,
    reply_to: uuid.UUID | None = None,
) -> tuple[Message, bool]:
    """The message, and whether it is new: the same id with the same content is the same message.

    Raises BadBody, BadReply, IdIsTaken for an id that names another message, NotFound for somebody
    who is not a member any more.
    """
    body = good_body(body)
    message_id = message_id or uuid7()
    try:
        return _send(membership, body, message_id, reply_to), True
    except (IntegrityError, BadReply):  # looked for only now, because hardly any is sent again
        existing = Message.objects.for_display().select_related("conversation")
        if not (message := existing.filter(id=message_id).first()):
            raise
    _require_same(message, membership, body, reply_to)
    events.message_sent_again(message)
    return message, False


@transaction.atomic
def _send(
    membership: Membership, body: str, message_id: uuid.UUID, reply_to: uuid.UUID | None
) -> Message:
    membership = lock_membership(membership)
    message = history.append(
        membership.conversation,
        message_id=message_id,
        body=body,
        sender=membership.user,
        reply_to=_find_replied(membership, reply_to),
        hidden_from_id=blockers_in(membership.conversation).get(membership.user_id),
    )
    index.add(message, body)
    events.message_sent(message)
    _have_read_own(membership, message)
    _pass_over_hidden(message)
    return message


def _require_same(
    existing: Message, membership: Membership, body: str, reply_to: uuid.UUID | None
) -> None:
    """A retry of a message that was edited or deleted since is a retry all the same."""
    is_changed = existing.edited_at or existing.deleted_at
    is_same = (
        existing.conversation_id == membership.conversation_id
        and existing.sender_id == membership.user_id
        and existing.reply_to_id == reply_to
        and (is_changed or existing.body == body)
    )
    if not is_same:
        raise IdIsTaken


def _find_replied(membership: Membership, message_id: uuid.UUID | None) -> Message | None:
    if message_id is None:
        return None
    visible = Message.objects.seen_by(membership).select_related("sender")
    message = visible.filter(id=message_id).first()
    if message is None:
        raise BadReply(field="reply_to")
    message.conversation = membership.conversation
    return message


def _have_read_own(membership: Membership, message: Message) -> None:
    """Whoever speaks has read what stands above."""
    was_behind = membership.read_seq < message.seq - 1
    move_watermarks(membership, message.seq, message.seq)
    if was_behind:
        membership_updated(membership)
    if was_behind or membership.conversation.member_count == 1:
        raise_watermarks(membership.conversation)


def _pass_over_hidden(message: Message) -> None:
    """What is kept from somebody is not unread for them, unless they had more to read."""
    if message.hidden_from_id:
        blocker = message.conversation.memberships.filter(user=message.hidden_from_id)
        blocker.filter(read_seq=message.seq - 1).advance(delivered=message.seq, read=message.seq)


def write_notice(
    conversation: Conversation,
    notice: Notice,
    *,
    actor: User,
    subject: str = "",
    leaver: Membership | None = None,
) -> Message:
    """A line of the conversation's own, in the transaction of the act it tells; `leaver` is sent
    neither it nor anything after it."""
    message = history.append(
        conversation,
        message_id=uuid7(),
        body=notice_fact(notice, actor=actor.name, subject=subject),
        kind=Message.Kind.SYSTEM,
        sender=actor,
    )
    events.message_sent(message, leaver=leaver)
    return message


# --- second thoughts -----------------------------------------------------------------------------


@limited(limits.WRITING)
@transaction.atomic
def edit_message(*, membership: Membership, message_id: uuid.UUID, body: str) -> Message:
    """By its sender, within 15 minutes."""
    body = good_body(body)
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    require_editable(message, membership)
    _require_heard(message, membership)
    if message.body == body:
        return message
    index.replace(message, message.text or "", by=body)
    message.sealed_body = sealed(body, conversation=message.conversation, message_id=message.id)
    message.edited_at = timezone.now()
    return _changed(message, "sealed_body", "edited_at")


@limited(limits.WRITING)
@transaction.atomic
def delete_message(*, membership: Membership, message_id: uuid.UUID) -> Message:
    """For everyone: by its sender within 48 hours, by a group's admins at any time.

    Its place in the order stays; its text and the reactions to it are gone.
    """
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    if message.is_deleted:
        return message
    require_deletable(message, membership)
    return _buried(message)


@transaction.atomic
def remove_message(*, message_id: uuid.UUID) -> Message:
    """For everyone: by a moderator, who need not be a member. Again changes nothing."""
    message = history.lock_message(message_id)
    return message if message.is_deleted else _buried(message)


def _buried(message: Message) -> Message:
    """The one way in which a message becomes a tombstone."""
    index.replace(message, message.text or "", by="")
    message.sealed_body, message.deleted_at = b"", timezone.now()
    message.reactions.all().delete()
    return _changed(message, "sealed_body", "deleted_at")


@limited(limits.WRITING)
@transaction.atomic
def react(*, membership: Membership, message_id: uuid.UUID, emoji: str) -> Message:
    """Once a person, emoji and message; again changes nothing."""
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    if message.is_deleted:
        raise TooLate
    _require_heard(message, membership)
    given = {each.emoji for each in message.given_reactions if each.user_id == membership.user_id}
    if good_emoji(emoji) in given:
        return message
    if len(given) >= MOST_REACTIONS:
        raise TooManyReactions
    Reaction.objects.create(message=message, user=membership.user, emoji=emoji)
    return _changed(message)


@limited(limits.WRITING)
@transaction.atomic
def withdraw_reaction(*, membership: Membership, message_id: uuid.UUID, emoji: str) -> Message:
    """Of one's own; again changes nothing."""
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    given = message.reactions.filter(user=membership.user, emoji=good_emoji(emoji))
    withdrawn, _rows = given.delete()
    return _changed(message) if withdrawn else message


def _changed(message: Message, *fields: str) -> Message:
    """Stamps and announces the change; answers the message as everybody sees it now."""
    history.stamp(message, *fields)
    message = history.reread(message)
    events.message_updated(message)
    return message


# --- rules ---------------------------------------------------------------------------------------


def good_body(body: str) -> str:
    """Trimmed; raises BadBody for nothing, too much, and what no screen can show."""
    body = body.strip()
    if not body or len(body) > BODY_LENGTH:
        raise BadBody(field="body")
    if not can_be_shown(body):
        raise BadBody(_("The message has characters that cannot be shown."), field="body")
    return body


def can_be_shown(text: str) -> bool:
    """No zero bytes, no halves of characters."""
    return "\0" not in text and all(unicodedata.category(character) != "Cs" for character in text)


def require_editable(message: Message, membership: Membership) -> None:
    _require_own_text(message, membership)
    _require_in_time(message, EDITABLE_FOR)
    if message.is_deleted:
        raise TooLate


def require_deletable(message: Message, membership: Membership) -> None:
    """A group's admins may at any time, but for the conversation's own lines."""
    if membership.conversation.is_direct or not membership.is_admin or message.is_notice:
        _require_own_text(message, membership)
        _require_in_time(message, DELETABLE_FOR)


def _require_own_text(message: Message, membership: Membership) -> None:
    if message.sender_id != membership.user_id or message.is_notice:
        raise Forbidden


def _require_heard(message: Message, membership: Membership) -> None:
    """Whoever is blocked cannot reach the other one by what was said before, and is not told why;
    what they have said since reaches nobody anyway."""
    if not message.hidden_from_id and membership.user_id in blockers_in(membership.conversation):
        raise TooLate


def _require_in_time(message: Message, limit: timedelta) -> None:
    if timezone.now() - message.created_at > limit:
        raise TooLate
