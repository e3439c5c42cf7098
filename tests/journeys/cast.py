"""The people of the journeys, put into the server's database before it starts.

`manage.py shell` runs `assemble`: next to a browser that is driven, nobody may touch the database.
Everybody has the same password, hashed once, and is signed in on two devices already.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.management import call_command
from django.utils import timezone

from accounts.auth.middleware import SESSION_LOGIN
from accounts.models import Login, NameWord, User

NAMES = ("Alice", "Bob", "Carol", "Dave")
PASSWORD = "correct horse battery"
TROUPES = 500  # more than there are journeys. Every test takes one: an Alice, a Bob, a Carol and a Dave of its own
DEVICES = 2


def assemble(file: str) -> None:
    """Writes [{name: {username, sessions}}, …] and leaves a server that is ready to start."""
    call_command("migrate", verbosity=0)
    people = _people()
    sessions = _sessions(people)
    described = [
        {"username": user.username, "sessions": sessions[user.username]} for user in people
    ]
    size = len(NAMES)
    troupes = [
        dict(zip(NAMES, described[start : start + size], strict=True))
        for start in range(0, len(described), size)
    ]
    Path(file).write_text(json.dumps(troupes))
    call_command("prepare", verbosity=0)  # where there are people it adds no demo


def _people() -> list[User]:
    password = make_password(PASSWORD)
    usernames = [
        (name, f"{name.lower()}_{number:02}") for number in range(TROUPES) for name in NAMES
    ]
    people = User.objects.bulk_create(
        User(
            username=username,
            email=f"{username}@example.org",
            display_name=name,
            password=password,
        )
        for name, username in usernames
    )
    NameWord.objects.index(people)
    return people


def _sessions(people: list[User]) -> dict[str, list[str]]:
    """By username, the session cookies of the person's devices."""
    logins = Login.objects.bulk_create(
        Login(user=user, kind=Login.Kind.BROWSER, last_used_at=timezone.now())
        for user in people
        for _ in range(DEVICES)
    )
    sessions = defaultdict(list)
    for login in logins:
        sessions[login.user.username].append(_session(login))
    return sessions


def _session(login: Login) -> str:
    session = SessionStore()
    session[SESSION_LOGIN] = str(login.id)
    session.save()
    return session.session_key
