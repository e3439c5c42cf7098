"""All that a person may take along, as a zip that is made while it is sent: in pages, of any size.

What they said, in full; and of the conversations they are in what they may read there, by the same
rules: since they joined, without what a block keeps from them. Of groups that they have left, and
of the time before they came back, what they said themselves.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.serializers import MeSerializer
from accounts.services import require_password
from chatflow import limits
from chatflow.errors import Conflict
from chatflow.limits import limited
from chatflow.sockets import in_thread
from chatflow.times import iso
from conversations.models import Membership
from messaging import history
from messaging.models import Message, Reaction
from messaging.serializers import message_json

PAGE = 500

README = """What ChatFlow knows of you, as JSON in UTF-8.

profile.json         your profile
logins.json          where you have signed in, also what has ended
blocks.json          whom you block
reports.json         what you reported to the moderators
conversations.json   the conversations you are or were in, and how you keep them, drafts included
messages.jsonl       one message a line, conversation by conversation, oldest first: what you may
                     read in the conversations you are in, and what you said in groups before you
                     left them
reactions.jsonl      one reaction of yours a line
avatar.webp          your picture, if you have one

An archive that ends too early does not open: then something broke on the way. Export it again.
"""


class AlreadyExporting(Conflict):
    code = "already_exporting"
    message = _("Your data is being exported already. Wait until that is done.")


class Export:
    """The archive's bytes, each step of it in a thread; one at a time a person and process."""

    _under_way: set[uuid.UUID] = set()
    _lock = threading.Lock()

    def __init__(self, user: User) -> None:
        with self._lock:
            if user.id in self._under_way:
                raise AlreadyExporting
            self._under_way.add(user.id)
        self._user = user

    async def __aiter__(self) -> AsyncIterator[bytes]:
        steps = archive_of(self._user)
        while chunk := await in_thread(next, steps, b""):
            yield chunk

    def close(self) -> None:
        """Called by whoever sends it, also when it is cut off or never begins."""
        self._under_way.discard(self._user.id)


@limited(limits.EXPORT)
def export(*, user: User, password: str) -> Export:
    require_password(user, password)
    return Export(user)


def archive_of(user: User) -> Iterator[bytes]:
    """The zip, in pieces; whatever is asked of the database is asked page by page."""
    outlet = _Outlet()
    with ZipFile(outlet, "w") as archive:
        for name, parts in _files_of(user):
            entry = ZipInfo(name, timezone.now().timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                for part in parts:
                    file.write(part)
                    if outlet.waiting:
                        yield outlet.drained()
    yield outlet.drained()


class _Outlet:
    """What the archive is written to: it cannot be sought, and keeps what was not fetched yet."""

    def __init__(self) -> None:
        self.waiting = b""

    def write(self, piece: bytes) -> int:
        self.waiting += piece
        return len(piece)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def drained(self) -> bytes:
        drained, self.waiting = self.waiting, b""
        return drained


# --- what is in it -------------------------------------------------------------------------------


def _files_of(user: User) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "README.txt", [README.encode()]
    yield "profile.json", [_json(dict(MeSerializer(user).data))]
    yield "logins.json", [_json(_logins_of(user))]
    yield "blocks.json", [_json([person.username for person in User.objects.blocked_by(user)])]
    yield "reports.json", [_json(_reports_of(user))]
    memberships = list(Membership.objects.of(user).for_display().order_by("joined_at", "id"))
    yield "conversations.json", [_json([_conversation(each) for each in memberships])]
    yield "messages.jsonl", _messages_of(memberships)
    yield "reactions.jsonl", _reactions_of(user)
    if user.avatar:
        with user.avatar.open() as picture:
            yield "avatar.webp", [picture.read()]


def _logins_of(user: User) -> list[dict[str, Any]]:
    fields = ("id", "kind", "user_agent", "ip", "created_at", "last_used_at", "ended_at")
    return list(user.logins.order_by("created_at").values(*fields))


def _reports_of(user: User) -> list[dict[str, Any]]:
    fields = ("kind", "reason", "person__username", "message", "created_at")
    return [dict(row) for row in user.reports.order_by("created_at").values(*fields)]


def _conversation(membership: Membership) -> dict[str, Any]:
    """What it was called while one was there is not kept, so a group that was left has no title."""
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
    while page := history.after(membership, seq, limit=PAGE).messages:
        seq = page[-1].seq
        yield _lines(message_json(message) for message in page)


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
        yield _lines(_own_message(message) for message in page)


def _own_message(message: Message) -> dict[str, Any]:
    """Without what others said or did about it since."""
    return {
        "id": message.id,
        "conversation": message.conversation_id,
        "seq": message.seq,
        "body": message.body,
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
    }


def _reactions_of(user: User) -> Iterator[bytes]:
    last = 0
    given = Reaction.objects.filter(user=user).order_by("id")
    fields = ("id", "message", "emoji", "created_at")
    while page := list(given.filter(id__gt=last).values(*fields)[:PAGE]):
        last = page[-1]["id"]
        yield _lines({name: row[name] for name in fields[1:]} for row in page)


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(
        json.dumps(row, ensure_ascii=False, default=_plain).encode() + b"\n" for row in rows
    )


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, default=_plain, indent=2).encode() + b"\n"


def _plain(value: Any) -> str:
    return str(iso(value)) if isinstance(value, datetime) else str(value)
