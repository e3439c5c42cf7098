"""Writes a user's data into a zip archive while the archive is being sent.

The archive contains everything that the user wrote. It also contains what they may read in their
conversations: the messages since they joined, except those that a block withholds. For groups that
they left, and for the time before they rejoined, it contains only their own messages, without
quotes.

Without streaming, the archive of an active user would have to fit into memory or onto the disk. A
background job that stores the archive and sends a link could replace it.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.serializers import MeSerializer
from accounts.services import require_password
from chatflow.errors import Conflict
from chatflow.live.sockets import in_thread
from chatflow.times import iso
from conversations.encryption.envelope import CannotBeRead
from conversations.models import Membership
from messaging import history
from messaging.attachments.files import StoredFile, Variant
from messaging.attachments.serializers import attachment_json
from messaging.models import Attachment, Message, Reaction
from messaging.related import load_attachments
from messaging.serializers import messages_json

PAGE = 500

README = """Your ChatFlow data, as JSON in UTF-8.

profile.json         your profile
logins.json          your logins, including those that have ended
blocks.json          the users you have blocked
reports.json         your reports to the moderators
conversations.json   your current and former conversations with your settings and drafts
messages.jsonl       one message per line, by conversation, oldest first: the messages you can read
                     in your conversations, and your own messages in groups that you have left
reactions.jsonl      your reactions, one per line
avatar.webp          your avatar, if you have one
attachments/         the files of these messages, each in a folder with the attachment's id

If the archive does not open, the download was interrupted. Export your data again.
"""


class AlreadyExporting(Conflict):
    code = "already_exporting"
    message = _("An export is already running. Wait for it to finish.")


class Export:
    """An asynchronous iterator over the archive, which is written in worker threads.

    A user can have one running export per process. An export only starts when its first chunk is
    requested, so a response that is dropped before does not block the next export.
    """

    _running: set[uuid.UUID] = set()
    _lock = threading.Lock()

    def __init__(self, user: User) -> None:
        self._user = user
        self._is_running = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._start()
        try:
            chunks = archive_of(self._user)
            while chunk := await in_thread(next, chunks, b""):
                yield chunk
        finally:
            self.close()

    def require_none_running(self) -> None:
        if self._user.id in self._running:
            raise AlreadyExporting

    def close(self) -> None:
        """Allow the next export. Django also calls this when the client disconnects."""
        if self._is_running:
            self._is_running = False
            self._running.discard(self._user.id)

    def _start(self) -> None:
        with self._lock:
            self.require_none_running()
            self._running.add(self._user.id)
            self._is_running = True


def export(*, user: User, password: str) -> Export:
    """Return an export that starts when it is iterated. Raises WrongPassword, AlreadyExporting."""
    require_password(user, password)
    new_export = Export(user)
    new_export.require_none_running()
    return new_export


def archive_of(user: User) -> Iterator[bytes]:
    """Yield the archive in chunks. Rows are read from the database page by page."""
    buffer = _Buffer()
    with ZipFile(buffer, "w") as archive:
        for name, parts in _files_of(user):
            entry = ZipInfo(name, timezone.now().timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                for part in parts:
                    file.write(part)
                    if buffer.content:
                        yield buffer.take()
    yield buffer.take()


class _Buffer:
    """A file without seek that keeps what was written until it is taken."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, chunk: bytes) -> int:
        self.content += chunk
        return len(chunk)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def take(self) -> bytes:
        content, self.content = self.content, b""
        return content


# --- contents ------------------------------------------------------------------------------------


def _files_of(user: User) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "README.txt", [README.encode()]
    yield "profile.json", [_json(dict(MeSerializer(user).data))]
    yield "logins.json", [_json(_logins_of(user))]
    yield "blocks.json", [_json([other.username for other in User.objects.blocked_by(user)])]
    yield "reports.json", [_json(_reports_of(user))]
    own = Membership.objects.of(user).listed().for_display()
    memberships = list(own.order_by("joined_at", "id"))
    yield "conversations.json", [_json([_conversation(membership) for membership in memberships])]
    yield "messages.jsonl", _messages_of(memberships)
    yield "reactions.jsonl", _reactions_of(user)
    yield from _attachments_of(user, memberships)
    if user.avatar:
        with user.avatar.open() as file:
            yield "avatar.webp", [file.read()]


def _logins_of(user: User) -> list[dict[str, Any]]:
    fields = ("id", "kind", "user_agent", "ip", "created_at", "last_used_at", "ended_at")
    return list(user.logins.order_by("created_at").values(*fields))


def _reports_of(user: User) -> list[dict[str, Any]]:
    fields = ("kind", "reason", "person__username", "message", "created_at")
    return [dict(row) for row in user.reports.order_by("created_at").values(*fields)]


def _conversation(membership: Membership) -> dict[str, Any]:
    """Return a membership as JSON.

    The title of a former group is left out, because it may have changed after the user left.
    """
    conversation = membership.conversation
    return {
        "id": conversation.id,
        "kind": conversation.kind,
        "title": None if membership.left_at else membership.title,
        "joined_at": membership.joined_at,
        "left_at": membership.left_at,
        "role": membership.role,
        "muted_until": membership.muted_until,
        "archived": membership.archived,
        "pinned": membership.pinned,
        "marked_unread": membership.marked_unread,
        "delivered_seq": membership.delivered_seq,
        "read_seq": membership.read_seq,
        "draft": membership.draft,
    }


def _messages_of(memberships: Iterable[Membership]) -> Iterator[bytes]:
    for membership in memberships:
        if membership.left_at:
            yield from _own_messages(membership, until=membership.conversation.last_seq)
        else:
            yield from _own_messages(membership, until=membership.since_seq)
            yield from _readable_messages(membership)


def _readable_messages(membership: Membership) -> Iterator[bytes]:
    seq = membership.since_seq
    while page := history.page_after(membership, seq, limit=PAGE).messages:
        seq = page[-1].seq
        yield _lines(messages_json(membership, page))


def _own_messages(membership: Membership, *, until: int) -> Iterator[bytes]:
    own = Message.objects.filter(
        conversation=membership.conversation_id,
        sender=membership.user_id,
        kind=Message.Kind.TEXT,
        seq__lte=until,
    ).select_related("conversation")
    seq = 0
    while page := list(own.after(seq).order_by("seq")[:PAGE]):
        seq = page[-1].seq
        load_attachments(page)
        yield _lines(_own_message(message) for message in page)


def _own_message(message: Message) -> dict[str, Any]:
    """Return a message without its reply, reactions and receipts, which contain others' data."""
    return {
        "id": message.id,
        "conversation": message.conversation_id,
        "seq": message.seq,
        "body": message.body,
        "attachments": [attachment_json(attachment) for attachment in message.attachments],
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
    }


def _attachments_of(
    user: User, memberships: Iterable[Membership]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the files of the messages above: those that the user can see, and the user's own."""
    for membership in memberships:
        shown = Attachment.objects.filter(conversation=membership.conversation_id)
        shown = shown.exclude(message=None).exclude(message__hidden_from=user)
        exported = Q(uploader=user)
        if not membership.left_at:
            exported |= Q(message__seq__gt=membership.since_seq)
        wanted, last = shown.filter(exported).order_by("id"), uuid.UUID(int=0)
        while page := list(wanted.filter(id__gt=last).select_related("message")[:PAGE]):
            last = page[-1].id
            for attachment in page:
                attachment.conversation = membership.conversation
                attachment.message.conversation = membership.conversation  # type: ignore[union-attr]
                name = attachment.name or "file"
                yield f"attachments/{attachment.id}/{name}", _bytes_of(attachment)


def _bytes_of(attachment: Attachment) -> Iterator[bytes]:
    with suppress(CannotBeRead), closing(StoredFile(attachment, Variant.ORIGINAL)) as file:
        yield from file.read(0, file.size)


def _reactions_of(user: User) -> Iterator[bytes]:
    last = 0
    reactions = Reaction.objects.filter(user=user).order_by("id")
    fields = ("id", "message", "emoji", "created_at")
    while page := list(reactions.filter(id__gt=last).values(*fields)[:PAGE]):
        last = page[-1]["id"]
        yield _lines({name: row[name] for name in fields[1:]} for row in page)


# Many programs, for example Python's splitlines(), treat these characters as line breaks.
ESCAPED_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\u0085\u2028\u2029"}


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    lines = (json.dumps(row, ensure_ascii=False, default=_plain) for row in rows)
    return b"".join(line.translate(ESCAPED_BREAKS).encode() + b"\n" for line in lines)


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, default=_plain, indent=2).encode() + b"\n"


def _plain(value: Any) -> str:
    return str(iso(value)) if isinstance(value, datetime) else str(value)
