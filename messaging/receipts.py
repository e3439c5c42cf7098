"""Receipts: what each member has received and read, and what all members have.

Each membership has two watermarks, `delivered_seq` and `read_seq`. A conversation's own watermarks
are the minimum over its members.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db import transaction
from django.db.models import BigIntegerField

from chatflow.db.prepared import PreparedUpdate
from chatflow.errors import DomainError
from chatflow.live.publishing import publishing_together
from conversations.access import blockers_in
from conversations.events import membership_updated
from conversations.models import Conversation, Membership
from conversations.querysets import raised_watermarks
from messaging import events
from messaging.models import Message

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_advance = PreparedUpdate(
    lambda membership_id, **watermarks: Membership.objects.filter(id=membership_id).behind(
        **watermarks
    ),
    lambda membership_id, **watermarks: raised_watermarks(**watermarks),
    membership_id=BigIntegerField(),
    delivered=BigIntegerField(),
    read=BigIntegerField(),
)


class BadReceipt(DomainError):
    code = "bad_receipt"
    message = "Provide delivered_seq or read_seq as a non-negative number."


@dataclass(frozen=True)
class Receipt:
    """What a member reports to have received and read. Reading implies receiving."""

    membership: Membership
    delivered_seq: int | None = None
    read_seq: int | None = None

    def __post_init__(self) -> None:
        _require_numbers(self.delivered_seq, self.read_seq)


def acknowledge(
    *, membership: Membership, delivered_seq: int | None = None, read_seq: int | None = None
) -> None:
    """Record a receipt at once.

    Events are sent only if a watermark moved: to the member's own devices for their own, to all
    members for the conversation's. In a large group most receipts are therefore silent.
    """
    if _record(Receipt(membership, delivered_seq, read_seq)):
        _raise_watermarks(membership.conversation)


@publishing_together()
def acknowledge_all(receipts: Iterable[Receipt]) -> dict[Receipt, Exception]:
    """Record receipts of several members like `acknowledge`, and return those that failed.

    They take two transactions in all: one for the members' watermarks, and one for those of the
    conversations, if they rise. The second is separate for the reason given at `_raise_watermarks`.
    Rows are locked in the order of their ids, so that concurrent callers cannot deadlock.
    """
    by_member = sorted(set(receipts), key=lambda receipt: receipt.membership.id)
    recorded = _in_one_transaction(_record_copy, by_member)
    changed = {
        receipt.membership.conversation for receipt in by_member if recorded[receipt] is True
    }
    raised = _in_one_transaction(_raise_watermarks, sorted(changed, key=lambda each: each.id))
    for outcome in raised.values():
        if isinstance(outcome, Exception):  # the next receipt of the conversation repeats it
            logger.error("watermarks were not raised", exc_info=outcome)
    return {
        receipt: outcome for receipt, outcome in recorded.items() if isinstance(outcome, Exception)
    }


def list_receipts(membership: Membership, message: Message) -> list[Membership]:
    """Return the members other than the sender who can see the message, with their watermarks.

    In a direct chat, the watermarks are lowered to what the two show each other.
    """
    conversation = membership.conversation
    members = conversation.memberships.active().with_user().by_rank()
    others = list(members.exclude(user=message.sender).filter(since_seq__lt=message.seq))
    if conversation.is_direct:
        for other in others:
            is_hidden = message.hidden_from_id == other.user_id
            delivered, read = (0, 0) if is_hidden else _watermarks(conversation)
            other.delivered_seq = min(other.delivered_seq, delivered)
            other.read_seq = min(other.read_seq, read)
    return others


def _record(receipt: Receipt) -> bool:
    """Move the member's watermarks and tell their devices. Return whether any moved."""
    membership = receipt.membership
    previous_read_seq = membership.read_seq
    new_read_seq = _skip_hidden(membership, receipt.read_seq or 0)
    has_moved = move_watermarks(membership, receipt.delivered_seq or 0, new_read_seq)
    was_marked = receipt.read_seq is not None and remove_unread_mark(membership)
    if was_marked or membership.read_seq > previous_read_seq:
        membership_updated(membership)
    return has_moved


def _record_copy(receipt: Receipt) -> bool:
    """Record the receipt without changing its membership, so that a rollback can be repeated."""
    return _record(replace(receipt, membership=copy(receipt.membership)))


def _in_one_transaction(
    act: Callable[[Item], Outcome], items: list[Item]
) -> dict[Item, Outcome | Exception]:
    """Return what `act` returned or raised for each item.

    If it fails for one of several, all are repeated in transactions of their own.
    """
    try:
        with transaction.atomic():
            return {item: act(item) for item in items}
    except Exception as error:
        if len(items) == 1:
            return {items[0]: error}
        return {item: _in_one_transaction(act, [item])[item] for item in items}


def _skip_hidden(membership: Membership, read_seq: int) -> int:
    """Return the conversation's last `seq` if only hidden messages follow `read_seq`."""
    conversation = membership.conversation
    if not conversation.is_direct or not membership.read_seq < read_seq < conversation.last_seq:
        return read_seq
    is_last = not Message.objects.visible_to(membership).after(read_seq).exists()
    return conversation.last_seq if is_last else read_seq


def move_watermarks(membership: Membership, delivered_seq: int, read_seq: int) -> bool:
    """Move the member's watermarks forward, up to the newest message. Return whether any moved."""
    last = membership.conversation.last_seq
    read = max(membership.read_seq, min(read_seq, last))
    delivered = max(membership.delivered_seq, min(delivered_seq, last), read)
    if (delivered, read) == _watermarks(membership):
        return False
    if not _advance.run(membership_id=membership.id, delivered=delivered, read=read):
        return False  # another device had moved them further
    membership.delivered_seq, membership.read_seq = delivered, read
    return True


def remove_unread_mark(membership: Membership) -> bool:
    """End `marked_unread`. Return whether it was set."""
    if not membership.marked_unread:
        return False
    membership.marked_unread = False
    membership.save(update_fields=["marked_unread"])
    return True


def raise_watermarks(conversation: Conversation) -> None:
    """Update the conversation's watermarks once the current transaction is committed."""
    transaction.on_commit(lambda: _raise_watermarks(conversation), robust=True)


def _raise_watermarks(conversation: Conversation) -> None:
    """Raise the conversation's watermarks to those of its slowest member and announce the change.

    Called after a commit, so the last of several concurrent callers sees all memberships. The lock
    is taken only if there is something to raise: readers of a large group do not queue for it.
    """
    if _reached_by_all(conversation) == _watermarks(conversation):
        return
    with transaction.atomic(savepoint=False):
        conversation = Conversation.objects.locked().get(id=conversation.id)
        reached = _reached_by_all(conversation)
        if reached == _watermarks(conversation):
            return  # another transaction raised them
        conversation.delivered_seq, conversation.read_seq = reached
        conversation.save(update_fields=["delivered_seq", "read_seq"])
        events.watermarks_raised(conversation)


def _reached_by_all(conversation: Conversation) -> tuple[int, int]:
    """Return what all members have received and read, but never less than before."""
    delivered, read = conversation.memberships.active().least_watermarks()
    if conversation.is_direct:
        delivered, read = _shown(conversation, delivered, read)
    return max(delivered, conversation.delivered_seq), max(read, conversation.read_seq)


def _shown(conversation: Conversation, delivered: int, read: int) -> tuple[int, int]:
    """Lower the watermarks of a direct chat to what its two members show each other."""
    if blockers_in(conversation):
        return 0, 0
    members = conversation.memberships.with_user()
    if not all(member.user.shows_read_receipts for member in members):
        return delivered, 0
    return delivered, read


def _watermarks(reader: Membership | Conversation) -> tuple[int, int]:
    return reader.delivered_seq, reader.read_seq


def _require_numbers(*numbers: int | None) -> None:
    given = [number for number in numbers if number is not None]
    if not given or min(given) < 0:
        raise BadReceipt
