"""How many queries each route and each socket command takes, so that none of them creeps upwards.

The acts are those of tests.test_authorization, done by alice, who owns the group, or by somebody
who is not signed in where anybody may. That they cost the same for one and for fifty is tested with
each app.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chatflow.limits import FRAMES, Pace
from messaging.commands import run_frame
from tests.test_authorization import ANYONE, CASES, COMMAND_AUDIENCES, Role, stage

__all__ = ["stage"]  # the fixture

QUERIES = {
    "POST /auth/register": 8,
    "POST /auth/login": 6,
    "POST /auth/refresh": 2,
    "POST /auth/logout": 5,
    "POST /auth/password-reset": 1,
    "POST /auth/password-reset/confirm": 7,
    "GET /users": 3,
    "GET /users/me": 1,
    "PATCH /users/me": 2,
    "DELETE /users/me": 29,
    "PUT /users/me/avatar": 2,
    "DELETE /users/me/avatar": 2,
    "POST /users/me/password": 7,
    "POST /users/me/export": 1,
    "GET /users/me/logins": 2,
    "DELETE /users/me/logins/<login_id>": 5,
    "GET /users/me/blocks": 2,
    "PUT /users/<username>/block": 6,
    "DELETE /users/<username>/block": 2,
    "GET /users/<username>": 4,
    "GET /avatars/<name>.webp": 2,
    "GET /conversations": 5,
    "POST /conversations": 16,
    "GET /conversations/<conversation_id>": 6,
    "PATCH /conversations/<conversation_id>": 14,
    "PATCH /conversations/<conversation_id>/settings": 5,
    "POST /conversations/<conversation_id>/members": 19,
    "PATCH /conversations/<conversation_id>/members/<username>": 11,
    "DELETE /conversations/<conversation_id>/members/<username>": 12,
    "GET /messages": 8,
    "GET /conversations/<conversation_id>/messages": 4,
    "POST /conversations/<conversation_id>/messages": 10,
    "PATCH /conversations/<conversation_id>/messages/<message_id>": 15,
    "DELETE /conversations/<conversation_id>/messages/<message_id>": 15,
    "PUT /conversations/<conversation_id>/messages/<message_id>/reactions/<emoji>": 14,
    "DELETE /conversations/<conversation_id>/messages/<message_id>/reactions/<emoji>": 9,
    "GET /conversations/<conversation_id>/messages/<message_id>/receipts": 5,
    "POST /conversations/<conversation_id>/messages/<message_id>/report": 4,
    "POST /users/<username>/report": 7,
    "POST /conversations/<conversation_id>/receipts": 2,
    "GET /conversations/<conversation_id>/changes": 4,
    "GET /login": 0,
    "POST /login": 6,
    "POST /logout": 4,
    "GET /register": 0,
    "POST /register": 8,
    "GET /password-reset": 0,
    "POST /password-reset": 1,
    "GET /password-reset/new": 0,
    "POST /password-reset/new": 0,
    "GET /people": 8,
    "GET /settings": 10,
    "POST /settings/profile": 2,
    "POST /settings/avatar": 2,
    "POST /settings/avatar/remove": 2,
    "POST /settings/password": 7,
    "POST /settings/logins/<login>/end": 5,
    "POST /settings/appearance": 1,
    "GET /settings/language": 0,
    "POST /settings/language": 0,
    "PUT /settings/language": 0,
    "PATCH /settings/language": 0,
    "DELETE /settings/language": 0,
    "POST /settings/privacy": 2,
    "POST /settings/blocks/<username>": 6,
    "POST /settings/blocks/<username>/lift": 2,
    "POST /settings/export": 10,
    "POST /settings/delete": 29,
    "GET /shortcuts": 7,
    "GET /": 7,
    "GET /chats/new": 7,
    "POST /chats/new": 11,
    "GET /chats/new/group": 7,
    "POST /chats/new/group": 15,
    "GET /chats/<conversation>/row": 4,
    "GET /chats/<conversation>/bar": 2,
    "POST /chats/<conversation>/draft": 3,
    "POST /chats/<conversation>/settings": 5,
    "GET /chats/<conversation>/info": 11,
    "POST /chats/<conversation>/rename": 9,
    "POST /chats/<conversation>/members": 14,
    "POST /chats/<conversation>/members/<username>/role": 10,
    "POST /chats/<conversation>/members/<username>/remove": 13,
    "GET /chats/<conversation>": 10,
    "GET /chats/<conversation>/messages": 4,
    "POST /chats/<conversation>/messages": 10,
    "GET /chats/<conversation>/changes": 4,
    "GET /chats/<conversation>/messages/<message>/menu": 10,
    "GET /chats/<conversation>/messages/<message>/info": 11,
    "GET /chats/<conversation>/messages/<message>/edit": 10,
    "POST /chats/<conversation>/messages/<message>/edit": 17,
    "GET /chats/<conversation>/messages/<message>/delete": 10,
    "POST /chats/<conversation>/messages/<message>/delete": 17,
    "POST /chats/<conversation>/messages/<message>/reactions": 14,
    "POST /chats/<conversation>/messages/<message>/reactions/withdraw": 9,
    "GET /chats/<conversation>/messages/<message>/report": 4,
    "POST /chats/<conversation>/messages/<message>/report": 4,
    "GET /chats/<conversation>/members/<username>/report": 10,
    "POST /chats/<conversation>/members/<username>/report": 16,
    "GET /search": 16,
    "GET /mine/<user>.css": 0,
    "GET /schema": 0,
    "GET /docs": 0,
    "GET /manifest.webmanifest": 0,
    "GET /healthz": 0,
    "GET /readyz": 1,
    "GET /metrics": 0,
}
QUERIES_OF_COMMANDS = {
    "message.send": 9,
    "receipt": 1,
    "typing": 1,
    "changes": 3,
    "watch": 4,
    "ping": 0,
}


@pytest.fixture
def price(django_capture_on_commit_callbacks) -> Callable[[Callable[[], object]], int]:
    """price(act) is the number of its queries, those after the commit as well; nothing stays."""

    def count(act: Callable[[], object]) -> int:
        with transaction.atomic():
            with (
                CaptureQueriesContext(connection) as queries,
                django_capture_on_commit_callbacks(execute=True),
            ):
                act()
            transaction.set_rollback(True)
        return len(queries)

    return count


def test_every_route_has_its_price(stage, price):
    measured = {}
    for route, method, act in CASES:
        who = Role.ANONYMOUS if act.audience == ANYONE else Role.OWNER
        name = re.sub(r"<\w+:", "<", f"{method} /{route}")
        measured[name] = price(stage.asking(who, method, route, act))

    assert measured == QUERIES


def test_every_command_has_its_price(stage, price):
    alice = stage.people[Role.OWNER]
    measured = {}
    for command, act in COMMAND_AUDIENCES.items():
        frame = {"type": command, "conversation": str(stage.group.id)} | act.body
        run = partial(run_frame, alice, json.dumps(frame), Pace(FRAMES))
        measured[command] = price(run)

    assert measured == QUERIES_OF_COMMANDS
