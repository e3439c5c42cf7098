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
from tests.test_authorization import ROUTES, Role, admin_paths, scenario, sign_in, views

__all__ = ["scenario"]

METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "POST", "DELETE", "INVENT")
APP_ROLES = (Role.ANONYMOUS, Role.MEMBER)
ADMIN_ROLES = (Role.MEMBER, Role.STAFF)
NUL_FORM = b"body=%00&title=%00&username=%00&q=%00&emoji=%00&file=%00"
# Accept, Content-Type and body.
MALFORMED_REQUESTS = (
    ("*/*", "application/json", b"{"),
    ("text/html", "multipart/form-data", b"there is no boundary"),
    ("application/xml", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: x\r\n"),
    ("image/webp;q=nonsense", "application/x-www-form-urlencoded", NUL_FORM),
    ("", "application/json; charset=nobody-knows-it", b'[{"\\u0000": "\\ud800"}]'),
    ("application/json; version=\u00e4", "no type at all", b"\xff\x00"),
)


@pytest.mark.parametrize("route", views())
def test_route_never_answers_5xx(scenario, route):
    path = "/" + scenario.path_of(route, None, elsewhere=False)

    send_malformed_requests(scenario, path, APP_ROLES)


@pytest.mark.parametrize("path", admin_paths())
def test_admin_page_never_answers_5xx(scenario, path):
    send_malformed_requests(scenario, path, ADMIN_ROLES)


@pytest.mark.parametrize("path", ["/users/me/nothing", "/conversations/5", "/messages/x", "/auth/"])
def test_unknown_api_path_is_a_problem(scenario, path):
    for method, malformed in zip(METHODS, itertools.cycle(MALFORMED_REQUESTS), strict=False):
        response = send(scenario, Role.MEMBER, method, path, malformed)

        assert response.status_code == 404
        assert_valid_error(response, path, (method, malformed))


def test_every_declared_route_is_tested():
    assert views().keys() == ROUTES.keys()


def send_malformed_requests(scenario, path, roles):
    """Send every method as every role, each with the next malformed request."""
    malformed = itertools.cycle(MALFORMED_REQUESTS)
    for _ in range(len(path) % len(MALFORMED_REQUESTS)):
        next(malformed)
    for role, method in itertools.product(roles, METHODS):
        request = role, method, next(malformed)
        with transaction.atomic():
            response = send(scenario, role, method, path, request[2])
            transaction.set_rollback(True)
        assert_valid_error(response, path, request)


def send(scenario, role, method, path, malformed):
    accept, content_type, body = malformed
    client = Client(raise_request_exception=False)
    headers = {"Accept": accept}
    if role in scenario.people and is_api_path(path):
        login = open_login(user=scenario.people[role], device=PROGRAM)
        headers["Authorization"] = f"Bearer {token_pair(login).access}"
    elif role in scenario.people:
        sign_in(client, open_login(user=scenario.people[role], device=BROWSER))
    return client.generic(method, path, body, content_type, headers=headers)


def assert_valid_error(response, path, request):
    assert response.status_code < 500, request
    if response.status_code >= 400 and is_api_path(path):
        assert response["Content-Type"] == PROBLEM_TYPE, request
