"""The number of database queries of each route and each socket command, as upper bounds.

The requests are those of `tests.test_authorization`. The group's owner sends them, or an anonymous
client where anyone may. A page of messages with attachments takes one more query than one without,
and the group has such a message. The tests at the end show that the numbers do not grow with the
data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chatflow.limits.policy import FRAMES, RateMeter
from conversations.services import start_direct, start_group
from messaging.services import react
from messaging.sockets.commands import run_frame
from tests.test_authorization import ANYONE, CASES, COMMAND_AUDIENCES, Role, scenario

__all__ = ["scenario"]  # the fixture

QUERIES = {
    "POST /auth/register": 10,
    "POST /auth/login": 6,
    "POST /auth/refresh": 2,
    "POST /auth/logout": 5,
    "POST /auth/password-reset": 1,
    "POST /auth/password-reset/confirm": 7,
    "GET /users": 3,
    "GET /users/me": 1,
    "PATCH /users/me": 7,
    "DELETE /users/me": 32,
    "PUT /users/me/avatar": 6,
    "DELETE /users/me/avatar": 6,
    "POST /users/me/password": 8,
    "POST /users/me/export": 1,
    "GET /users/me/logins": 2,
    "DELETE /users/me/logins/<login_id>": 5,
    "GET /users/me/blocks": 2,
    "PUT /users/<username>/block": 9,
    "DELETE /users/<username>/block": 2,
    "GET /users/<username>": 4,
    "GET /avatars/<name>.webp": 2,
    "GET /conversations": 5,
    "POST /conversations": 18,
    "GET /conversations/<conversation_id>": 7,
    "PATCH /conversations/<conversation_id>": 17,
    "GET /conversations/<conversation_id>/settings": 2,
    "PATCH /conversations/<conversation_id>/settings": 7,
    "GET /conversations/<conversation_id>/members": 4,
    "POST /conversations/<conversation_id>/members": 23,
    "PATCH /conversations/<conversation_id>/members/<username>": 13,
    "DELETE /conversations/<conversation_id>/members/<username>": 14,
    "GET /messages": 8,
    "GET /conversations/<conversation_id>/messages": 6,
    "POST /conversations/<conversation_id>/messages": 10,
    "GET /conversations/<conversation_id>/messages/<message_id>": 4,
    "PATCH /conversations/<conversation_id>/messages/<message_id>": 15,
    "DELETE /conversations/<conversation_id>/messages/<message_id>": 16,
    "PUT /conversations/<conversation_id>/messages/<message_id>/reactions/<emoji>": 14,
    "DELETE /conversations/<conversation_id>/messages/<message_id>/reactions/<emoji>": 9,
    "GET /conversations/<conversation_id>/messages/<message_id>/receipts": 5,
    "POST /conversations/<conversation_id>/messages/<message_id>/report": 4,
    "POST /users/<username>/report": 7,
    "POST /conversations/<conversation_id>/attachments": 10,
    "GET /conversations/<conversation_id>/attachments/<attachment_id>": 3,
    "GET /conversations/<conversation_id>/attachments/<attachment_id>/thumbnail": 3,
    "GET /conversations/<conversation_id>/attachments/<attachment_id>/preview": 3,
    "POST /conversations/<conversation_id>/receipts": 2,
    "GET /conversations/<conversation_id>/changes": 5,
    "GET /login": 0,
    "POST /login": 6,
    "GET /logout": 8,
    "POST /logout": 5,
    "GET /register": 0,
    "POST /register": 10,
    "GET /password-reset": 0,
    "POST /password-reset": 1,
    "GET /password-reset/new": 0,
    "POST /password-reset/new": 0,
    "GET /people": 9,
    "GET /settings": 11,
    "POST /settings/profile": 10,
    "POST /settings/avatar": 6,
    "POST /settings/avatar/remove": 6,
    "POST /settings/password": 8,
    "POST /settings/logins/<login>/end": 5,
    "POST /settings/appearance": 1,
    "GET /settings/language": 0,
    "POST /settings/language": 0,
    "PUT /settings/language": 0,
    "PATCH /settings/language": 0,
    "DELETE /settings/language": 0,
    "POST /settings/privacy": 7,
    "POST /settings/blocks/<username>": 9,
    "POST /settings/blocks/<username>/lift": 2,
    "POST /settings/export": 1,
    "POST /settings/delete": 32,
    "GET /shortcuts": 8,
    "GET /": 8,
    "GET /chats/new": 9,
    "GET /chats/unread": 2,
    "POST /chats/new": 13,
    "GET /chats/new/group": 9,
    "POST /chats/new/group": 18,
    "GET /chats/<conversation>/row": 5,
    "GET /chats/<conversation>/bar": 2,
    "POST /chats/<conversation>/draft": 7,
    "POST /chats/<conversation>/settings": 7,
    "GET /chats/<conversation>/info": 11,
    "POST /chats/<conversation>/rename": 11,
    "POST /chats/<conversation>/members": 17,
    "POST /chats/<conversation>/members/<username>/role": 12,
    "GET /chats/<conversation>/members/<username>/remove": 10,
    "POST /chats/<conversation>/members/<username>/remove": 14,
    "GET /chats/<conversation>": 14,
    "GET /chats/<conversation>/messages": 7,
    "POST /chats/<conversation>/messages": 10,
    "GET /chats/<conversation>/changes": 5,
    "GET /chats/<conversation>/media": 14,
    "GET /chats/<conversation>/messages/<message>/menu": 11,
    "GET /chats/<conversation>/messages/<message>/info": 12,
    "GET /chats/<conversation>/messages/<message>/edit": 11,
    "POST /chats/<conversation>/messages/<message>/edit": 17,
    "GET /chats/<conversation>/messages/<message>/delete": 11,
    "POST /chats/<conversation>/messages/<message>/delete": 18,
    "POST /chats/<conversation>/messages/<message>/reactions": 14,
    "POST /chats/<conversation>/messages/<message>/reactions/withdraw": 9,
    "GET /chats/<conversation>/messages/<message>/report": 4,
    "POST /chats/<conversation>/messages/<message>/report": 4,
    "GET /chats/<conversation>/members/<username>/report": 11,
    "POST /chats/<conversation>/members/<username>/report": 17,
    "GET /search": 17,
    "GET /schema": 0,
    "GET /docs": 0,
    "GET /manifest.webmanifest": 0,
    "GET /healthz": 0,
    "GET /readyz": 0 if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else 1,
    "GET /metrics": 0,
}
COMMAND_QUERIES = {
    "message.send": 9,
    "receipt": 1,
    "typing": 1,
    "changes": 4,
    "watch": 4,
    "ping": 0,
}


@pytest.fixture
def count_queries(django_capture_on_commit_callbacks) -> Callable[[Callable[[], object]], int]:
    """count_queries(act) includes the queries after the commit, and then rolls back."""

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


def test_no_route_makes_more_queries_than_its_bound(scenario, count_queries):
    measured = {}
    for route, method, act in CASES:
        role = Role.ANONYMOUS if act.audience == ANYONE else Role.OWNER
        name = re.sub(r"<\w+:", "<", f"{method} /{route}")
        measured[name] = count_queries(scenario.prepare_request(role, method, route, act))

    assert measured.keys() == QUERIES.keys()
    assert above(measured, QUERIES) == {}


def test_no_command_makes_more_queries_than_its_bound(scenario, count_queries):
    alice = scenario.people[Role.OWNER]
    measured = {}
    for command, act in COMMAND_AUDIENCES.items():
        frame = {"type": command, "conversation": str(scenario.group.id)} | act.body
        run = partial(run_frame, alice, json.dumps(frame), RateMeter(FRAMES))
        measured[command] = count_queries(run)

    assert measured.keys() == COMMAND_QUERIES.keys()
    assert above(measured, COMMAND_QUERIES) == {}


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_probe_by_a_logged_in_browser_makes_no_queries(browser, alice, count_queries, path):
    client = browser(alice)

    assert count_queries(partial(client.get, path)) == 0


def above(measured: dict[str, int], bounds: dict[str, int]) -> dict[str, int]:
    return {name: queries for name, queries in measured.items() if queries > bounds[name]}


# --- the numbers do not grow with the data -------------------------------------------------------


def test_a_long_list_takes_as_many_queries_as_a_short_one(
    program, alice, crowd, say, membership, count_queries
):
    client = program(alice)
    counts = []
    for number in (1, 49):
        for name in crowd(number):
            chat, _is_new = start_direct(user=alice, username=name)
            reply = say(alice, chat, reply_to=say(alice, chat).id)
            react(membership=membership(alice, chat), message_id=reply.id, emoji="👍")
        counts.append(count_queries(partial(client.get, "/conversations")))

    assert counts[1] == counts[0]


@pytest.mark.parametrize("path", ["messages?limit=100", "changes?since=0"])
def test_a_full_page_takes_as_many_queries_as_one_message(
    program, alice, bob, group, say, membership, count_queries, path
):
    client = program(alice)
    counts = []
    for number in (1, 49):
        for _ in range(number):
            reply = say(alice, group, reply_to=say(bob, group).id)
            for user in (alice, bob):
                react(membership=membership(user, group), message_id=reply.id, emoji="👍")
        counts.append(count_queries(partial(client.get, f"/conversations/{group.id}/{path}")))

    assert counts[1] == counts[0]


def test_a_large_group_takes_as_many_queries_as_a_small_one(program, alice, crowd, count_queries):
    client = program(alice)
    counts = []
    for others in (2, 255):
        group = start_group(user=alice, title="Group", usernames=crowd(others))
        path = f"/conversations/{group.id}"
        sent = client.post(f"{path}/messages", {"body": "hi"}).json()
        requests = [
            partial(client.get, path),
            partial(client.get, f"{path}/members"),
            partial(client.get, f"{path}/messages/{sent['id']}/receipts"),
            partial(client.post, f"{path}/messages", {"body": "ho"}),
        ]
        counts.append([count_queries(request) for request in requests])

    assert counts[1] == counts[0]
