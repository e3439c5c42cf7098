"""No route answers 5xx, whatever the method, the role and the malformed headers and body.

The routes come from the URL configuration. API errors are always problem documents.
"""

from __future__ import annotations

import itertools

import pytest
from django.db import transaction
from django.test import Client

from accounts.auth.tokens import token_pair
from accounts.services import open_login
from chatflow.errors import PROBLEM_TYPE, is_api_path
from tests.conftest import BROWSER, PROGRAM
from tests.test_authorization import ROUTES, Role, admin_paths, sign_in, stage, views

__all__ = ["stage"]

METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "POST", "DELETE", "INVENT")
APP_ROLES = (Role.ANONYMOUS, Role.MEMBER)
ADMIN_ROLES = (Role.MEMBER, Role.STAFF)
NUL_FORM = b"body=%00&title=%00&username=%00&q=%00&emoji=%00&file=%00"
# Accept, Content-Type and a body.
WORDS = (
    ("*/*", "application/json", b"{"),
    ("text/html", "multipart/form-data", b"there is no boundary"),
    ("application/xml", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: x\r\n"),
    ("image/webp;q=nonsense", "application/x-www-form-urlencoded", NUL_FORM),
    ("", "application/json; charset=nobody-knows-it", b'[{"\\u0000": "\\ud800"}]'),
    ("application/json; version=\u00e4", "no type at all", b"\xff\x00"),
)


@pytest.mark.parametrize("route", views())
def test_no_route_breaks(stage, route):
    path = "/" + stage.path_of(route, None, elsewhere=False)

    sweep(stage, path, APP_ROLES)


@pytest.mark.parametrize("path", admin_paths())
def test_no_admin_page_breaks(stage, path):
    sweep(stage, path, ADMIN_ROLES)


@pytest.mark.parametrize("path", ["/users/me/nothing", "/conversations/5", "/messages/x", "/auth/"])
def test_unknown_address_of_the_api_is_a_problem(stage, path):
    for method, words in zip(METHODS, itertools.cycle(WORDS), strict=False):
        answer = asked(stage, Role.MEMBER, method, path, words)

        assert answer.status_code == 404
        assert_told_well(answer, path, (method, words))


def test_every_declared_route_is_swept():
    assert views().keys() == ROUTES.keys()


def sweep(stage, path, roles):
    """Send each role and method with one of WORDS in turn; each path starts at another one."""
    words = itertools.cycle(WORDS)
    for _ in range(len(path) % len(WORDS)):
        next(words)
    for role, method in itertools.product(roles, METHODS):
        how = role, method, next(words)
        with transaction.atomic():
            answer = asked(stage, role, method, path, how[2])
            transaction.set_rollback(True)
        assert_told_well(answer, path, how)


def asked(stage, role, method, path, words):
    accept, content_type, body = words
    client = Client(raise_request_exception=False)
    headers = {"Accept": accept}
    if role in stage.people and is_api_path(path):
        login = open_login(user=stage.people[role], device=PROGRAM)
        headers["Authorization"] = f"Bearer {token_pair(login).access}"
    elif role in stage.people:
        sign_in(client, open_login(user=stage.people[role], device=BROWSER))
    return client.generic(method, path, body, content_type, headers=headers)


def assert_told_well(answer, path, how):
    assert answer.status_code < 500, how
    if answer.status_code >= 400 and is_api_path(path):
        assert answer["Content-Type"] == PROBLEM_TYPE, how
