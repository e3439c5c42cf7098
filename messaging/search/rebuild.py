"""Rebuild the search index from the stored messages, for `manage.py rebuild_search`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress

from django.db import transaction

from chatflow.operations.progress import with_progress
from conversations.encryption.envelope import CannotBeRead
from conversations.models import Conversation
from messaging.models import Message, PostingList
from messaging.search.postings import FAN_OUT, put_segment
from messaging.search.prefixes import prefixes_in

BATCH = 5000  # rows deleted at once, so that other processes can write in between


def rebuild_index() -> int:
    """Rebuild the index and return the number of segments written.

    Messages can be sent, edited and deleted meanwhile, because each segment is written in a
    transaction of its own, which locks the conversation.
    """
    clear_index()
    segments = list(_segments())
    for conversation_id, segment in with_progress(segments, "Search index"):
        _rebuild_segment(conversation_id, segment)
    return len(segments)


def clear_index() -> None:
    while keys := list(PostingList.objects.values_list("key", flat=True)[:BATCH]):
        PostingList.objects.filter(key__in=keys).delete()


def _segments() -> Iterator[tuple[uuid.UUID, int]]:
    for conversation_id, last_seq in Conversation.objects.values_list("id", "last_seq"):
        for first_seq in range(1, last_seq + 1, FAN_OUT):
            yield conversation_id, first_seq // FAN_OUT


@transaction.atomic
def _rebuild_segment(conversation_id: uuid.UUID, segment: int) -> None:
    conversation = Conversation.objects.locked().get(id=conversation_id)
    first_seq = segment * FAN_OUT + 1
    messages = Message.objects.filter(
        conversation=conversation, seq__gte=first_seq, seq__lt=first_seq + FAN_OUT
    )
    prefixes = {}
    for message in messages.searchable().without_relations():
        message.conversation = conversation
        text = message.searchable_text
        prefixes[message.seq - first_seq] = prefixes_in(text, sender_id=message.sender_id)
    with suppress(CannotBeRead):  # Without its key, nobody can search the conversation.
        put_segment(conversation, segment, prefixes)
