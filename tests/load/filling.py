"""Fill a site's database without its servers, in a separate process that prints JSON.

`echo '{"count": 20}' | python -m tests.load.filling people`; the environment says which site.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.sessions.backends.signed_cookies import SessionStore  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.auth.middleware import SESSION_LOGIN  # noqa: E402
from accounts.auth.tokens import token_pair  # noqa: E402
from accounts.models import Login, NameWord, User  # noqa: E402
from chatflow.identifiers import uuid7  # noqa: E402
from chatflow.operations.progress import with_progress  # noqa: E402
from conversations.access import find_membership  # noqa: E402
from conversations.encryption.envelope import sealed  # noqa: E402
from conversations.models import Conversation  # noqa: E402
from conversations.services import start_group  # noqa: E402
from messaging.models import Message  # noqa: E402
from messaging.services import send_message  # noqa: E402
from tests.load.search.filling import build_index  # noqa: E402
from tests.load.site import Account  # noqa: E402

BATCH = 2000
WORDS = [
    *("garden", "ladder", "bread", "tomato", "water", "bench", "rain", "seeds", "fence", "lunch"),
    *("weekend", "train", "ticket", "coffee", "bicycle", "letter", "window", "paint", "music"),
    *("kitchen", "river", "mountain", "holiday", "candle"),
]


def people(*, count: int, prefix: str = "person") -> list[Account]:
    """Create users with a login each; return their names, tokens and sessions."""
    with transaction.atomic():
        names = [f"{prefix}{number}" for number in range(count)]
        users = [
            User(username=name, email=f"{name}@example.org", display_name=name.title())
            for name in names
        ]
        for user in users:
            user.set_unusable_password()
        User.objects.bulk_create(users, batch_size=BATCH)
        NameWord.objects.index(users)
        now = timezone.now()
        logins = [Login(user=user, kind=Login.Kind.API, last_used_at=now) for user in users]
        Login.objects.bulk_create(logins, batch_size=BATCH)
    return [_account(login) for login in logins]


def _account(login: Login) -> Account:
    session = SessionStore()
    session[SESSION_LOGIN] = str(login.id)
    session.save()
    return {
        "name": login.user.username,
        "token": token_pair(login).access,
        "session": str(session.session_key),
    }


def accounts(*, names: list[str]) -> list[Account]:
    """Log in again, because an access token is valid for 15 minutes."""
    logins = Login.objects.filter(user__username__in=names).select_related("user")
    return sorted(map(_account, logins), key=lambda account: names.index(account["name"]))


def groups(*, members: list[list[str]]) -> list[str]:
    """Create groups, each started by the first of its members; return their ids."""
    return [_group(names, title=f"Garden {number}") for number, names in enumerate(members, 1)]


def _group(names: list[str], *, title: str) -> str:
    owner = User.objects.get(username=names[0])
    return str(start_group(user=owner, title=title, usernames=names[1:]).id)


def messages(*, conversations: list[str], each: int) -> None:
    """Create messages from the members in turn, without events."""
    total = len(conversations) * each
    batches = [
        (conversation, range(start, min(start + BATCH, each)))
        for conversation in conversations
        for start in range(0, each, BATCH)
    ]
    for conversation_id, numbers in with_progress(batches, f"{total:,} messages"):
        _append(uuid.UUID(conversation_id), numbers)


@transaction.atomic
def _append(conversation_id: uuid.UUID, numbers: range) -> None:
    conversation = Conversation.objects.get(id=conversation_id)
    senders = list(conversation.memberships.values_list("user_id", flat=True))
    Message.objects.bulk_create(_written(conversation, senders, numbers))
    conversation.last_seq += len(numbers)
    conversation.version += len(numbers)
    conversation.active_at = timezone.now()
    conversation.save(update_fields=["last_seq", "version", "active_at"])


def _written(
    conversation: Conversation, senders: list[uuid.UUID], numbers: range
) -> Iterator[Message]:
    now = timezone.now()
    for place, number in enumerate(numbers, 1):
        message_id = uuid7()
        yield Message(
            id=message_id,
            conversation=conversation,
            seq=conversation.last_seq + place,
            version=conversation.version + place,
            sender_id=senders[number % len(senders)],
            sealed_body=sealed(_text(number), conversation=conversation, message_id=message_id),
            created_at=now + timedelta(microseconds=place),
        )


def _text(number: int) -> str:
    """Return about ten words, different ones for every message."""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in (1, 2, 3, 5, 7, 11, 13))


def say(*, speakers: dict[str, str], bodies: list[str]) -> None:
    """Send a message in each of these conversations while no server is running."""
    for conversation, name in speakers.items():
        user = User.objects.get(username=name)
        for body in bodies:
            send_message(membership=find_membership(user, uuid.UUID(conversation)), body=body)


ACTS = {act.__name__: act for act in (people, accounts, groups, messages, build_index, say)}


def main() -> None:
    (act,) = sys.argv[1:]
    answer: Any = ACTS[act](**json.load(sys.stdin))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
