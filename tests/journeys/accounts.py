"""Create the users of the journeys in the server's database, before the server starts.

`manage.py shell` runs `create_accounts` in a process of its own, because Django refuses database
access in a thread with a running event loop, such as Playwright's. All users have the same password,
which is hashed once, and are already logged in on two devices.
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
USER_SETS = 500  # each test takes an unused Alice, Bob, Carol and Dave; there are fewer tests
DEVICES = 2


def create_accounts(file: str) -> None:
    """Create all users, write [{name: {username, sessions}}, …] to the file and prepare the server."""
    call_command("migrate", verbosity=0)
    people = _people()
    sessions = _sessions(people)
    described = [
        {"username": user.username, "sessions": sessions[user.username]} for user in people
    ]
    size = len(NAMES)
    user_sets = [
        dict(zip(NAMES, described[start : start + size], strict=True))
        for start in range(0, len(described), size)
    ]
    Path(file).write_text(json.dumps(user_sets))
    call_command("prepare", verbosity=0)  # adds no demo data, because there are users


def _people() -> list[User]:
    password = make_password(PASSWORD)
    usernames = [
        (name, f"{name.lower()}_{number:02}") for number in range(USER_SETS) for name in NAMES
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
    """Return the session cookies of each user's devices by username."""
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
