"""Python calls of one request: a figure that is the same on every machine.

Django's test client makes each request once to warm up and once under cProfile, on this run's
engine. Alice is in 37 groups, one of them with 46 messages.
"""

from __future__ import annotations

import cProfile
import pstats
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings, setup_databases, teardown_databases

from accounts.auth.middleware import SESSION_LOGIN
from accounts.auth.tokens import token_pair
from accounts.models import Login, User
from accounts.services import Device, open_login
from conversations.access import find_membership
from conversations.services import start_group
from messaging.services import send_message
from tests.load.measuring import Line, Scale
from tests.load.site import Ground

GROUPS = 37
MESSAGES = 46
GOALS = {
    "send a message": 7_000,
    "conversation list": 18_000,
    "history page": 14_000,
    "chat page": 55_000,
    "chat pane by htmx": 25_000,
    "search": 45_000,
}

Request = Callable[[], Any]


async def measure(ground: Ground, scale: Scale) -> list[Line]:
    """Print the counts, measured on a separate database of this process."""
    return await sync_to_async(_measured)()


def _measured() -> list[Line]:
    databases = setup_databases(verbosity=0, interactive=False)
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    try:
        with override_settings(STORAGES=settings.STORAGES | {"staticfiles": plain}):
            counts = counts_of_requests()
    finally:
        teardown_databases(databases, verbosity=0)
    return [
        Line("calls", name, facts={"Python calls": f"{count:,}"}).want(
            "calls", count, GOALS[name], is_ceiling=True, if_missed="the ORM and templates"
        )
        for name, count in counts.items()
    ]


def counts_of_requests() -> dict[str, int]:
    """Return the number of Python calls of each operation. Needs an empty database."""
    return {name: _calls(request) for name, request in _requests().items()}


def _requests() -> dict[str, Request]:
    alice, bob, carol = (_person(name) for name in ("alice", "bob", "carol"))
    groups = [
        start_group(user=alice, title=f"Group {number}", usernames=["bob", "carol"])
        for number in range(GROUPS)
    ]
    busy = groups[0]
    for number in range(MESSAGES - 1):  # the first one is the system message
        writer = (alice, bob, carol)[number % 3]
        body = f"Message {number} about the garden"
        send_message(membership=find_membership(writer, busy.id), body=body)
    login = open_login(user=alice, device=Device(Login.Kind.API, "calls", "127.0.0.1"))
    program = Client(
        SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token_pair(login).access}"}
    )
    browser = _browser(alice)
    messages = f"/conversations/{busy.id}/messages"

    def send() -> Any:
        return program.post(
            messages, {"id": str(uuid.uuid4()), "body": "Hello"}, content_type="application/json"
        )

    return {
        "send a message": send,
        "conversation list": lambda: program.get(f"/conversations?limit={GROUPS}"),
        "history page": lambda: program.get(messages),
        "chat page": lambda: browser.get(f"/chats/{busy.id}"),
        "chat pane by htmx": lambda: browser.get(
            f"/chats/{busy.id}", headers={"HX-Request": "true", "HX-Target": "pane"}
        ),
        "search": lambda: program.get("/messages?q=garden&limit=20"),
    }


def _person(name: str) -> User:
    return User.objects.create_user(name, f"{name}@example.org", None, display_name=name.title())


def _browser(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    session = client.session
    login = open_login(user=user, device=Device(Login.Kind.BROWSER, "calls", "127.0.0.1"))
    session[SESSION_LOGIN] = str(login.id)
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


def _calls(request: Request) -> int:
    request()
    profile = cProfile.Profile()
    response = profile.runcall(request)
    assert response.status_code < HTTPStatus.BAD_REQUEST, response.content
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]
