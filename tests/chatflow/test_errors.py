"""Errors are problem+json for programs and a page for browsers."""

from __future__ import annotations

import json

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from chatflow import urls
from chatflow.urls import handler400, handler403, handler404, handler500  # noqa: F401
from conversations.models import Conversation

SECRET = "HiddenWords"
FAILURES = {
    "bug": RuntimeError(SECRET),
    "database": OperationalError(SECRET),
    "connection": InterfaceError(SECRET),
}


class BrokenView(APIView):
    authentication_classes = permission_classes = ()

    def get(self, request: Request, kind: str) -> None:
        raise FAILURES[kind]


def broken_page(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAILURES[kind]


urlpatterns = [
    path("users/broken/<str:kind>", BrokenView.as_view()),
    path("broken/<str:kind>", broken_page),
    *urls.urlpatterns,
]


@pytest.fixture
def broken(settings) -> Client:
    """Return a client of a site on which some paths fail."""
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def assert_problem(answer, status):
    problem = json.loads(answer.content)
    assert answer.status_code == problem["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail"}
    assert problem["detail"]
    return problem


def assert_page(answer, status):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>" in answer.content.decode()


# Not there, or not that way


@pytest.mark.parametrize(
    "path",
    [
        "/auth/nothing",
        "/users/me/nothing",
        "/users/",
        "/conversations/7",
        "/messages/7",
        "/schema/x",
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html"])
def test_unknown_api_path_is_always_a_problem(client, db, path, accept):
    assert_problem(client.get(path, HTTP_ACCEPT=accept), 404)


def test_unknown_page_is_html_for_browsers_and_a_problem_for_programs(client, db):
    assert_page(client.get("/nothing", HTTP_ACCEPT="text/html"), 404)
    assert_problem(client.get("/nothing", HTTP_ACCEPT="application/json"), 404)


def test_method_not_allowed_lists_the_allowed_ones(program, alice):
    answer = program(alice).put("/users/me", {})

    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


def test_unauthenticated_request_gets_a_challenge(client, db):
    answer = client.get("/users/me")

    assert assert_problem(answer, 401)["type"] == "urn:chatflow:not_authenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_expired_token_has_its_own_code(client, db):
    answer = client.get("/users/me", HTTP_AUTHORIZATION="Bearer x")

    assert assert_problem(answer, 401)["type"] == "urn:chatflow:bad_token"


@pytest.mark.parametrize("accept", ["text/html", "application/json, application/problem+json"])
def test_programs_get_problems_whatever_they_accept(program, alice, accept):
    assert_problem(program(alice).get("/users/nobody", HTTP_ACCEPT=accept), 404)


def test_unsupported_accept_header_is_not_acceptable(program, alice):
    assert_problem(program(alice).get("/users/me", HTTP_ACCEPT="application/xml"), 406)


@pytest.mark.parametrize("path", ["/users/me", "/nothing"])
def test_unknown_host_is_a_bad_request(client, db, path):
    answer = client.get(path, HTTP_HOST="evil.example", HTTP_ACCEPT="application/json")

    assert_problem(answer, 400)


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"{'login': 'alice'}", b'{"login": "\xff"}', b'{"login": NaN}', b"\0",
        b'{"login": ' + b"9" * 5000 + b"}", b"[" * 200_000, b'{"a":' * 100_000,
    ],
    ids=["cut", "quotes", "latin-1", "NaN", "NUL", "long number", "deep list", "deep object"],
)  # fmt: skip
def test_malformed_json_is_a_bad_request(client, db, body):
    answer = client.post("/auth/login", body, content_type="application/json")

    assert assert_problem(answer, 400)["type"] == "urn:chatflow:parse_error"


@pytest.mark.parametrize("charset", ["zlib", "rot13", "base64", "undefined"])
def test_compressed_bodies_are_not_unpacked(client, db, charset):
    packed = f"application/json; charset={charset}"

    assert_problem(client.generic("POST", "/auth/login", b"{}", content_type=packed), 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "x", "application/json2"]
)
def test_other_content_types_are_not_supported(client, db, content_type):
    assert_problem(client.post("/auth/login", b"{}", content_type=content_type), 415)


def test_truncated_form_is_a_bad_request(client, db):
    answer = client.post("/auth/login", b"x", content_type="multipart/form-data; boundary=")

    assert_problem(answer, 400)


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_body_over_one_mebibyte_is_refused(client, db, settings, content_type):
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    assert_problem(client.post("/auth/login", b"a" * most, content_type=content_type), 400)
    assert_problem(client.post("/auth/login", b"a" * (most + 1), content_type=content_type), 413)


def test_form_of_a_page_over_one_mebibyte_is_refused(client, db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    assert_page(
        client.post("/login", {"login": "a" * 101}, "application/x-www-form-urlencoded"), 413
    )


def test_form_with_thousands_of_fields_is_a_bad_request(client, db):
    fields = "&".join(f"f{number}=" for number in range(2000))
    form = "application/x-www-form-urlencoded"

    assert_problem(client.post("/auth/login", fields, content_type=form), 400)


def test_errors_name_nested_fields(program, alice):
    wish = {"kind": "group", "title": "Garden", "members": ["bob", 5, [], "dave"]}

    problem = assert_problem(program(alice).post("/conversations", wish), 400)

    assert set(problem["errors"]) == {"members.1", "members.2"}
    assert problem["detail"] == problem["errors"]["members.1"][0]


def test_lone_surrogate_can_be_quoted_in_an_error(program, alice):
    wish = b'{"kind": "\\ud800", "members": ["bob"]}'

    answer = program(alice).generic("POST", "/conversations", wish, content_type="application/json")

    assert "kind" in assert_problem(answer, 400)["errors"]
    assert not Conversation.objects.exists()


# Our own fault


def test_server_error_of_the_api_reveals_nothing(broken, db, caplog):
    answer = broken.get("/users/broken/bug")

    assert_problem(answer, 500)
    assert SECRET not in answer.content.decode()
    assert SECRET in caplog.text


def test_server_error_of_a_page_reveals_nothing(broken, db):
    answer = broken.get("/broken/bug", HTTP_ACCEPT="text/html")

    assert_page(answer, 500)
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("kind", ["database", "connection"])
@pytest.mark.parametrize("path", ["/users/broken/", "/broken/"])
def test_unavailable_database_is_503_with_retry_after(broken, db, path, kind):
    answer = broken.get(path + kind, HTTP_ACCEPT="application/json")

    assert_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert SECRET not in answer.content.decode()


# Forged forms


@pytest.fixture
def careful(browser, alice) -> Client:
    """Return alice's browser, with CSRF checks enabled."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = browser(alice).cookies
    return client


def test_request_without_csrf_token_is_refused(careful, alice):
    answer = careful.patch("/users/me", {"about": "forged"}, content_type="application/json")

    alice.refresh_from_db()
    assert_problem(answer, 403)
    assert alice.about == ""


def test_request_with_csrf_token_is_accepted(careful):
    token = "t" * 32
    careful.cookies["csrftoken"] = token

    answer = careful.patch(
        "/users/me", {"about": "Hi"}, content_type="application/json", HTTP_X_CSRFTOKEN=token
    )

    assert (answer.status_code, answer.json()["about"]) == (200, "Hi")


def test_bearer_token_needs_no_csrf_token(alice, program):
    program = program(alice)
    program.handler.enforce_csrf_checks = True

    assert program.patch("/users/me", {"about": "Hi"}).status_code == 200


def test_expired_form_is_answered_with_a_page(db):
    answer = Client(enforce_csrf_checks=True).post(
        "/login", {"login": "a"}, HTTP_ACCEPT="text/html"
    )

    assert_page(answer, 403)
    assert "Reload the page" in answer.content.decode()
