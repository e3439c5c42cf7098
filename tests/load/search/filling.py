"""Fill an empty database with messages to search, without the services."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from chatflow.identifiers import uuid7
from chatflow.operations.progress import with_progress
from conversations.encryption.envelope import sealed
from conversations.models import Conversation, Membership
from conversations.services import start_direct
from messaging.models import Message, PostingList
from messaging.search.rebuild import rebuild_index
from messaging.services import send_message
from tests.load.search.text import RARE, TextGenerator

BATCH = 2560
INTERVAL = timedelta(seconds=20)


def do_not_wait_for_the_disk() -> None:
    """Make filling faster. The data need not survive, and the searches only read."""
    with connection.cursor() as cursor:
        is_sqlite = connection.vendor == "sqlite"
        cursor.execute("PRAGMA synchronous=OFF" if is_sqlite else "SET synchronous_commit = off")


def people(number: int) -> list[User]:
    names = [f"person{each}" for each in range(number)]
    return User.objects.bulk_create(
        User(username=name, email=f"{name}@example.org", display_name=name) for name in names
    )


def conversations_of(user: User, others: list[User], messages: int, text: TextGenerator) -> None:
    """Create a direct chat with each of the others, in which both send messages by turns."""
    chats = [start_direct(user=user, username=other.username)[0] for other in others]
    steps = [(chat, first) for chat in chats for first in range(1, messages + 1, BATCH)]
    for chat, first in with_progress(steps, "Messages"):
        _extend(chat, first, min(BATCH, messages - first + 1), text)


@transaction.atomic
def _extend(chat: Conversation, first: int, number: int, text: TextGenerator) -> None:
    senders = list(chat.memberships.values_list("user_id", flat=True))
    end = timezone.now()
    lines = enumerate(text.messages(number), start=first)
    Message.objects.bulk_create(
        _message(
            chat,
            seq,
            f"{body} {RARE}" if seq == 1 else body,
            senders[seq % 2],
            end - INTERVAL * (10**6 - seq),
        )
        for seq, body in lines
    )
    last = first + number - 1
    Conversation.objects.filter(id=chat.id).update(
        last_seq=last, version=last, active_at=end, read_seq=last, delivered_seq=last
    )
    Membership.objects.filter(conversation=chat).update(read_seq=last, delivered_seq=last)


def _message(chat: Conversation, seq: int, body: str, sender_id, created_at) -> Message:
    message_id = uuid7()
    return Message(
        id=message_id,
        conversation=chat,
        seq=seq,
        version=seq,
        sender_id=sender_id,
        sealed_body=sealed(body, conversation=chat, message_id=message_id),
        created_at=created_at,
    )


def build_index() -> None:
    rebuild_index()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def send_one_by_one(membership: Membership, number: int, text: TextGenerator) -> None:
    """Send messages through the service."""
    for body in with_progress(list(text.messages(number)), "Live messages"):
        send_message(membership=membership, body=body)


def size_of(model: type[Message | PostingList]) -> int:
    """Return the bytes of a table with all its indexes."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
        else:
            cursor.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name IN "
                "(SELECT name FROM sqlite_master WHERE tbl_name = %s)",
                [table],
            )
        return int(cursor.fetchone()[0])
