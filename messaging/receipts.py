"""How far people have come: two watermarks a member, and a conversation's minimum of them."""

from __future__ import annotations

from django.db import transaction

from chatflow.errors import DomainError
from conversations.access import blockers_in
from conversations.events import membership_updated
from conversations.models import Conversation, Membership
from messaging import events
from messaging.models import Message


class BadReceipt(DomainError):
    code = "bad_receipt"
    message = "A receipt names delivered_seq or read_seq, a number that is not negative."


def acknowledge(
    *, membership: Membership, delivered_seq: int | None = None, read_seq: int | None = None
) -> None:
    """Notes what this person's devices have, and what they have read; read implies delivered.

    Nobody is told unless something moved: one's own devices when one's own watermark did, the
    others when the slowest of all did. That keeps a big group from telling everybody everything.
    """
    _require_numbers(delivered_seq, read_seq)
    had_read = membership.read_seq
    read = _past_hidden(membership, read_seq or 0)
    if not move_watermarks(membership, delivered_seq or 0, read):
        return
    if membership.read_seq > had_read:
        membership_updated(membership)
    _raise_watermarks(membership.conversation)


def list_receipts(membership: Membership, message: Message) -> list[Membership]:
    """The other members who could see the message, with how far each has come."""
    conversation = membership.conversation
    members = conversation.memberships.active().with_user().by_rank()
    others = list(members.exclude(user=message.sender).filter(since_seq__lt=message.seq))
    for other in others if conversation.is_direct else ():  # they may not show all of it
        is_hidden = message.hidden_from_id == other.user_id
        delivered, read = (0, 0) if is_hidden else _watermarks(conversation)
        other.delivered_seq = min(other.delivered_seq, delivered)
        other.read_seq = min(other.read_seq, read)
    return others


def _past_hidden(membership: Membership, read_seq: int) -> int:
    """To have read the last that a block lets one see is to have read all."""
    conversation = membership.conversation
    if not conversation.is_direct or not membership.read_seq < read_seq < conversation.last_seq:
        return read_seq
    is_last = not Message.objects.seen_by(membership).after(read_seq).exists()
    return conversation.last_seq if is_last else read_seq


def move_watermarks(membership: Membership, delivered_seq: int, read_seq: int) -> bool:
    """Forward only, never beyond the newest message; answers whether either of them moved."""
    last = membership.conversation.last_seq
    read = max(membership.read_seq, min(read_seq, last))
    delivered = max(membership.delivered_seq, min(delivered_seq, last), read)
    if (delivered, read) == _watermarks(membership):
        return False
    if not Membership.objects.filter(id=membership.id).advance(delivered=delivered, read=read):
        return False  # another device was further already
    membership.delivered_seq, membership.read_seq = delivered, read
    return True


def raise_watermarks(conversation: Conversation) -> None:
    """For acts that move or end memberships: looks at the slowest once they are committed."""

    def after_commit() -> None:
        _raise_watermarks(conversation)

    transaction.on_commit(after_commit, robust=True)


def _raise_watermarks(conversation: Conversation) -> None:
    """Brings the conversation up to its slowest member, and tells when that moved.

    Whoever moved looks after their own commit, so of several at once the last one sees them all.
    Only who finds something to raise takes the lock: a big group's readers need not queue.
    """
    if _reached_by_all(conversation) == _watermarks(conversation):
        return
    with transaction.atomic():
        conversation = Conversation.objects.locked().get(id=conversation.id)
        reached = _reached_by_all(conversation)
        if reached == _watermarks(conversation):
            return  # somebody else was faster
        conversation.delivered_seq, conversation.read_seq = reached
        conversation.save(update_fields=["delivered_seq", "read_seq"])
        events.watermarks_raised(conversation)


def _reached_by_all(conversation: Conversation) -> tuple[int, int]:
    """Never less than it was, nor more than the two of a direct chat show each other."""
    delivered, read = conversation.memberships.active().least_watermarks()
    if conversation.is_direct:
        delivered, read = _shown(conversation, delivered, read)
    return max(delivered, conversation.delivered_seq), max(read, conversation.read_seq)


def _shown(conversation: Conversation, delivered: int, read: int) -> tuple[int, int]:
    if blockers_in(conversation):
        return 0, 0
    two = conversation.memberships.with_user()
    if not all(member.user.shows_read_receipts for member in two):
        return delivered, 0
    return delivered, read


def _watermarks(reader: Membership | Conversation) -> tuple[int, int]:
    return reader.delivered_seq, reader.read_seq


def _require_numbers(*numbers: int | None) -> None:
    given = [number for number in numbers if number is not None]
    if not given or min(given) < 0:
        raise BadReceipt
