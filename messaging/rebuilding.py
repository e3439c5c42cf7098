"""Puts into the search's index what was said without it; `manage.py rebuild_search` calls this."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress

from django.db import transaction

from chatflow.progress import with_progress
from conversations.encryption import CannotBeRead
from conversations.models import Conversation
from messaging.index import SPAN, put_leaf
from messaging.models import Backlog, IndexRow, Message
from messaging.stems import Stem, stems_in

EVERYTHING = 2**62
STEP = 5000  # rows

Leaf = tuple[uuid.UUID, int]


def forget_everything() -> None:
    """All conversations wait anew. What is sent meanwhile is found all the same."""
    conversations = Conversation.objects.values_list("id", flat=True).iterator(STEP)
    Backlog.objects.bulk_create(
        (Backlog(conversation_id=each, seq=EVERYTHING) for each in conversations),
        batch_size=STEP,
        update_conflicts=True,
        unique_fields=["conversation"],
        update_fields=["seq"],
    )
    while keys := list(IndexRow.objects.values_list("key", flat=True)[:STEP]):
        IndexRow.objects.filter(key__in=keys).delete()


def work_off_backlog() -> int:
    """The newest messages of each conversation first; answers how many leaves it was.

    Each leaf is a transaction that also writes down how far it has come, so this can be killed at
    any time, and goes on from there.
    """
    leaves = list(_waiting_leaves())
    if leaves:
        for conversation_id, leaf in with_progress(leaves, "Search index"):
            _put(conversation_id, leaf)
    return len(leaves)


def _waiting_leaves() -> Iterator[Leaf]:
    waiting = Backlog.objects.values_list("conversation_id", "seq", "conversation__last_seq")
    for conversation_id, seq, last_seq in waiting:
        leaves = -(-min(seq, last_seq) // SPAN)
        yield from ((conversation_id, leaf) for leaf in reversed(range(max(leaves, 1))))


@transaction.atomic
def _put(conversation_id: uuid.UUID, leaf: int) -> None:
    conversation = Conversation.objects.locked().get(id=conversation_id)
    with suppress(CannotBeRead):  # with its key nobody can search it, either
        put_leaf(conversation, leaf, _said(conversation, leaf))
    backlog = Backlog.objects.filter(conversation=conversation)
    if leaf:
        backlog.update(seq=leaf * SPAN)
    else:
        backlog.delete()


def _said(conversation: Conversation, leaf: int) -> dict[int, set[Stem]]:
    first = leaf * SPAN + 1
    messages = Message.objects.filter(
        conversation=conversation, seq__gte=first, seq__lt=first + SPAN
    )
    said = {}
    for message in messages.searchable().bare():
        message.conversation = conversation
        said[message.seq - first] = stems_in(message.text or "", sender_id=message.sender_id)
    return said
