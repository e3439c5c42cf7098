"""What members can do with messages. The API, the pages and the socket call these functions.

Each takes the current user's membership. It locks the conversation and loads the membership again,
so a member who was removed in the meantime gets NotFound and nothing is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chatflow.errors import Conflict, DomainError, Forbidden
from chatflow.identifiers import uuid7
from chatflow.limits import policy as limits
from chatflow.limits.policy import limited
from chatflow.text.emoji import offered_emoji, plain_emoji
from chatflow.text.visible import can_be_stored, is_visible, trimmed
from conversations.access import blockers_in, lock_membership
from conversations.encryption.envelope import sealed
from conversations.events import members_joined, membership_updated
from conversations.models import Conversation, Membership
from conversations.querysets import user_ids_of
from messaging import events, history
from messaging.attachments.models import with_names
from messaging.attachments.services import BadAttachments, delete_attachments, find_unused
from messaging.models import MAX_BODY_LENGTH, Message, Reaction
from messaging.receipts import move_watermarks, raise_watermarks, remove_unread_mark
from messaging.related import load_related
from messaging.search import postings
from messaging.system_messages import SystemMessage, SystemMessageKind

EDITABLE_FOR = timedelta(minutes=15)
DELETABLE_FOR = timedelta(hours=48)
MAX_REACTIONS = 10  # of one user to one message, because all of them are displayed


class BadBody(DomainError):
    code = "bad_body"


class IdIsTaken(Conflict):
    code = "id_is_taken"
    message = _("Another message with this ID already exists.")


class BadReply(DomainError):
    code = "bad_reply"
    message = _("The message you reply to is not in this conversation.")


class TooLate(Forbidden):
    code = "too_late"
    message = _("The time limit for this has passed.")


class TooManyReactions(Forbidden):
    code = "too_many_reactions"
    message = _("You can add at most ten reactions to a message.")


class BadEmoji(DomainError):
    code = "bad_emoji"
    message = _("This is not a supported emoji.")


class NotReportable(Forbidden):
    code = "not_reportable"
    message = _("This cannot be reported.")


# --- sending -------------------------------------------------------------------------------------


@limited(limits.WRITING)
def send_message(
    *,
    membership: Membership,
    body: str,
    message_id: uuid.UUID | None = None,
    reply_to: uuid.UUID | None = None,
    attachments: Sequence[uuid.UUID] = (),
) -> tuple[Message, bool]:
    """Send a message and return it, and whether it is new. The text may be empty if it has files.

    Repeating a call with the same id and content returns the stored message. Raises BadBody,
    BadReply, BadAttachments, IdIsTaken if the id belongs to another message, and NotFound for a
    former member.
    """
    body = good_body(body, can_be_empty=bool(attachments))
    message_id = message_id or uuid7()
    try:
        return _send(membership, body, message_id, reply_to, attachments), True
    except (IntegrityError, BadReply, BadAttachments):  # checked only now: retries are rare
        message = Message.objects.select_related("conversation").filter(id=message_id).first()
        if message is None:
            raise
        load_related([message])
    _require_same(message, membership, body, reply_to, attachments)
    _announce_direct_chat(membership, message)
    events.message_sent_again(message)
    if (
        message.seq <= membership.since_seq
    ):  # the sender left and returned, and sees only later messages
        message = copy(message)
        message.given_reactions = []
    return message, False


@transaction.atomic
def _send(
    membership: Membership,
    body: str,
    message_id: uuid.UUID,
    reply_to: uuid.UUID | None,
    attachment_ids: Sequence[uuid.UUID],
) -> Message:
    membership = lock_membership(membership)
    attachments = find_unused(membership, attachment_ids)
    message = history.append(
        membership.conversation,
        message_id=message_id,
        body=body,
        sender=membership.user,
        reply_to=_find_quoted(membership, reply_to),
        hidden_from_id=blockers_in(membership.conversation).get(membership.user_id),
        attachment_count=len(attachments),
    )
    if attachments:
        history.attach(message, attachments)
    postings.add(message, message.searchable_text if attachments else body)
    _announce_direct_chat(membership, message)
    events.message_sent(message)
    _mark_own_as_read(membership, message)
    _skip_hidden(message)
    return message


def _announce_direct_chat(membership: Membership, message: Message) -> None:
    """List a direct chat for the other person from its first message on."""
    direct_key = membership.conversation.direct_key
    if message.seq == 1 and direct_key and not message.hidden_from_id:
        members_joined(membership.conversation, user_ids_of(direct_key) - {membership.user_id})


def _require_same(
    existing: Message,
    membership: Membership,
    body: str,
    reply_to: uuid.UUID | None,
    attachments: Sequence[uuid.UUID],
) -> None:
    """Raise IdIsTaken unless this is a retry, perhaps of a message that was changed since."""
    is_changed = existing.edited_at or existing.deleted_at
    is_same = (
        existing.conversation_id == membership.conversation_id
        and existing.sender_id == membership.user_id
        and existing.reply_to_id == reply_to
        and (is_changed or existing.body == body)
        and (existing.is_deleted or [each.id for each in existing.attachments] == [*attachments])
    )
    if not is_same:
        raise IdIsTaken


def _find_quoted(membership: Membership, message_id: uuid.UUID | None) -> Message | None:
    if message_id is None:
        return None
    visible = Message.objects.visible_to(membership).select_related("sender")
    message = visible.filter(id=message_id).first()
    if message is None:
        raise BadReply(field="reply_to")
    message.conversation = membership.conversation
    return message


def _mark_own_as_read(membership: Membership, message: Message) -> None:
    """Mark everything up to the member's own message as read."""
    was_behind = membership.read_seq < message.seq - 1
    move_watermarks(membership, message.seq, message.seq)
    was_marked = remove_unread_mark(membership)
    if was_behind or was_marked:
        membership_updated(membership)
    if was_behind or membership.conversation.member_count == 1:
        raise_watermarks(membership.conversation)


def _skip_hidden(message: Message) -> None:
    """Mark a hidden message as read for the blocker, unless they have more to read before it."""
    if message.hidden_from_id:
        blocker = message.conversation.memberships.filter(user=message.hidden_from_id)
        blocker.filter(read_seq=message.seq - 1).advance(delivered=message.seq, read=message.seq)


def write_system_message(
    conversation: Conversation,
    kind: SystemMessageKind,
    *,
    actor: User,
    subject: str = "",
    count: int = 1,
    leaver: Membership | None = None,
) -> Message:
    """Append a system message, in the transaction of the change that it reports.

    The `leaver` receives neither this message nor any after it. The conversation must be locked.
    """
    message = history.append(
        conversation,
        message_id=uuid7(),
        body=SystemMessage(kind, actor.name, subject, count).encoded(),
        kind=Message.Kind.SYSTEM,
        sender=actor,
    )
    events.message_sent(message, leaver=leaver)
    if membership := conversation.memberships.active().of(actor).first():
        membership.conversation, membership.user = conversation, actor
        _mark_own_as_read(membership, message)
    return message


# --- changing ------------------------------------------------------------------------------------


@limited(limits.WRITING)
@transaction.atomic
def edit_message(*, membership: Membership, message_id: uuid.UUID, body: str) -> Message:
    """Replace a message's text. Only the sender can do this, within 15 minutes."""
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    body = good_body(body, can_be_empty=message.attachment_count > 0)
    require_editable(message, membership)
    _require_not_blocked(message, membership)
    if message.body == body:
        return message
    new_text = with_names(body, message.attachments)
    postings.replace(message, message.searchable_text, by=new_text)
    message.sealed_body = sealed(body, conversation=message.conversation, message_id=message.id)
    message.edited_at = timezone.now()
    return _save_change(message, "sealed_body", "edited_at")


@limited(limits.WRITING)
@transaction.atomic
def delete_message(*, membership: Membership, message_id: uuid.UUID) -> Message:
    """Delete a message for everyone and return its tombstone. Deleting it again has no effect.

    The sender can do this within 48 hours, group admins at any time.
    """
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    if message.is_deleted:
        return message
    require_deletable(message, membership)
    return _make_tombstone(message)


@transaction.atomic
def remove_message(*, message_id: uuid.UUID) -> Message:
    """Delete a message for everyone as a moderator. Deleting it again has no effect."""
    message = history.lock_message(message_id)
    return message if message.is_deleted else _make_tombstone(message)


def _make_tombstone(message: Message) -> Message:
    """Erase the text, the attachments and the reactions. The message keeps its `seq`."""
    postings.replace(message, message.searchable_text, by="")
    delete_attachments(message.attachments)
    message.sealed_body, message.deleted_at = b"", timezone.now()
    message.attachment_count = 0
    message.reactions.all().delete()
    return _save_change(message, "sealed_body", "deleted_at", "attachment_count")


@limited(limits.WRITING)
@transaction.atomic
def react(*, membership: Membership, message_id: uuid.UUID, emoji: str) -> Message:
    """Add the member's reaction to a message. Adding it again has no effect."""
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    if message.is_deleted:
        raise TooLate
    _require_not_blocked(message, membership)
    given = {each.emoji for each in message.given_reactions if each.user_id == membership.user_id}
    emoji = good_emoji(emoji, used=[each.emoji for each in message.given_reactions])
    if emoji in given:
        return message
    if len(given) >= MAX_REACTIONS:
        raise TooManyReactions
    Reaction.objects.create(message=message, user=membership.user, emoji=emoji)
    return _save_change(message)


@limited(limits.WRITING)
@transaction.atomic
def withdraw_reaction(*, membership: Membership, message_id: uuid.UUID, emoji: str) -> Message:
    """Remove the member's own reaction. Removing it again has no effect."""
    membership = lock_membership(membership)
    message = history.find_message(membership, message_id)
    emoji = good_emoji(emoji, used=[each.emoji for each in message.given_reactions])
    given = message.reactions.filter(user=membership.user, emoji=emoji)
    withdrawn, _rows = given.delete()
    return _save_change(message) if withdrawn else message


def _save_change(message: Message, *fields: str) -> Message:
    """Save the fields as a new version, announce it, and return the message as it is now."""
    history.bump_version(message, *fields)
    message = history.reload_message(message)
    events.message_updated(message)
    return message


# --- rules ---------------------------------------------------------------------------------------


def good_body(body: str, *, can_be_empty: bool = False) -> str:
    """Return the trimmed text; raises BadBody if it is empty, too long or not displayable."""
    body = trimmed(body)
    if can_be_empty and not body:
        return body
    if not 1 <= len(body) <= MAX_BODY_LENGTH:
        text = _("A message must have 1 to %(limit)s characters.")
        raise BadBody(text % {"limit": MAX_BODY_LENGTH}, field="body")
    if not can_be_stored(body):
        raise BadBody(_("The message contains invalid characters."), field="body")
    if not is_visible(body):
        raise BadBody(_("The message contains no visible characters."), field="body")
    return body


def good_emoji(emoji: str, *, used: Iterable[str]) -> str:
    """Return the emoji to store; raises BadEmoji unless it is exactly one that the picker offers.

    Spellings that differ only in variation selectors are the same emoji. If `used` contains one of
    them, that spelling is returned.
    """
    plain, offered = plain_emoji(emoji), offered_emoji()
    if plain not in offered:
        raise BadEmoji(field="emoji")
    spelling = emoji if emoji in (plain, offered[plain]) else offered[plain]
    return next((other for other in used if plain_emoji(other) == plain), spelling)


def require_editable(message: Message, membership: Membership) -> None:
    _require_own_text(message, membership)
    _require_in_time(message, EDITABLE_FOR)
    if message.is_deleted:
        raise TooLate


def require_deletable(message: Message, membership: Membership) -> None:
    """Group admins may delete any message except system messages, others only their own."""
    if membership.conversation.is_direct or not membership.is_admin or message.is_system:
        _require_own_text(message, membership)
        _require_in_time(message, DELETABLE_FOR)


def require_reportable(message: Message, membership: Membership) -> None:
    """Only other people's messages that have not been deleted can be reported."""
    is_own = message.sender_id == membership.user_id
    if is_own or message.is_system or message.is_deleted:
        raise NotReportable


def _require_own_text(message: Message, membership: Membership) -> None:
    if message.sender_id != membership.user_id or message.is_system:
        raise Forbidden


def _require_not_blocked(message: Message, membership: Membership) -> None:
    """Keep a blocked user from reaching the blocker by changing an older message.

    The error does not reveal the block. Messages since the block are hidden and may be changed.
    """
    if not message.hidden_from_id and membership.user_id in blockers_in(membership.conversation):
        raise TooLate


def _require_in_time(message: Message, limit: timedelta) -> None:
    if timezone.now() - message.created_at > limit:
        raise TooLate
