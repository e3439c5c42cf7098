"""`manage.py demo`: add sample users, conversations and messages to an empty instance."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.test.utils import override_settings
from django.utils import timezone

from accounts.models import Login, User
from accounts.services import Device, end_logins, register, update_profile
from chatflow.operations.progress import with_progress
from conversations.access import find_membership
from conversations.models import Conversation, Membership
from conversations.services import start_direct, start_group
from messaging.management.demo_dialogue import CHATS, PEOPLE, Chat, Person
from messaging.models import Message
from messaging.receipts import acknowledge
from messaging.services import send_message

HERO = PEOPLE[0].username
DEVICE = Device(kind=Login.Kind.API, user_agent="demo")


class Command(BaseCommand):
    help = "Adds sample users, conversations and messages to an empty instance."

    def handle(self, *args: object, **options: object) -> None:
        if User.objects.exists():
            raise CommandError(
                "The database already has users. The demo is only for an empty instance."
            )
        password = secrets.token_urlsafe(9)
        with transaction.atomic():
            for person in with_progress(PEOPLE, "Demo people       "):
                _sign_up(person, password)
            for index, chat in enumerate(with_progress(CHATS, "Demo conversations")):
                _add_chat(chat, until=timezone.now() - timedelta(minutes=37 * (len(CHATS) - index)))
        _save_password(password)
        self.stdout.write(sign_in_line())


def sign_in_line() -> str:
    """Return the line that `make run` prints; empty if this instance has no demo data."""
    path = _password_path()
    return f"Demo sign-in: {HERO} / {path.read_text().strip()}" if path.exists() else ""


def _password_path() -> Path:
    path: Path = settings.DATA_DIR / "demo_password"
    return path


def _save_password(password: str) -> None:
    path = _password_path()
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)


def _sign_up(person: Person, password: str) -> None:
    with override_settings(REGISTRATION_OPEN=True):
        login = register(
            username=person.username,
            email=f"{person.username}@example.org",
            password=password,
            display_name=person.display_name,
            device=DEVICE,
        )
    update_profile(user=login.user, about=person.about)
    end_logins(user=login.user)


def _add_chat(chat: Chat, *, until: datetime) -> None:
    people = {user.username: user for user in User.objects.filter(username__in=chat.members)}
    starter = people[chat.members[0]]
    conversation = _start(chat, starter)
    for _minutes, username, text in chat.lines:
        send_message(membership=find_membership(people[username], conversation.id), body=text)
    for username, user in people.items():
        membership = find_membership(user, conversation.id)
        unread = chat.unread if username == chat.members[0] else 0
        acknowledge(
            membership=membership,
            delivered_seq=membership.conversation.last_seq,
            read_seq=membership.conversation.last_seq - unread,
        )
    _date_back(conversation, chat, until)


def _start(chat: Chat, starter: User) -> Conversation:
    others = chat.members[1:]
    if chat.title:
        return start_group(user=starter, title=chat.title, usernames=others)
    return start_direct(user=starter, username=others[0])[0]


def _date_back(conversation: Conversation, chat: Chat, until: datetime) -> None:
    """Move the messages into the past, because the services have dated them all now."""
    pauses = [timedelta(minutes=minutes) for minutes, _username, _text in chat.lines]
    moment = until - sum(pauses, timedelta())
    started = moment - timedelta(minutes=1)
    messages = Message.objects.filter(conversation=conversation)
    messages.filter(kind=Message.Kind.SYSTEM).update(created_at=started)
    texts = messages.filter(kind=Message.Kind.TEXT).order_by("seq")
    for message, pause in zip(texts, pauses, strict=True):
        moment += pause
        Message.objects.filter(id=message.id).update(created_at=moment)
    Membership.objects.filter(conversation=conversation).update(joined_at=started)
    Conversation.objects.filter(id=conversation.id).update(created_at=started, active_at=moment)
