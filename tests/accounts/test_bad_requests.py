"""Malformed requests are answered with 400 and change nothing."""

from __future__ import annotations

import json

import pytest

FIELDS = [
    ("post", "/auth/register", "username"),
    ("post", "/auth/register", "email"),
    ("post", "/auth/register", "password"),
    ("post", "/auth/register", "display_name"),
    ("post", "/auth/login", "login"),
    ("post", "/auth/login", "password"),
    ("post", "/auth/refresh", "refresh"),
    ("post", "/auth/logout", "refresh"),
    ("patch", "/users/me", "display_name"),
    ("patch", "/users/me", "about"),
    ("patch", "/users/me", "email"),
    ("patch", "/users/me", "password"),
    ("delete", "/users/me", "password"),
    ("post", "/users/me/password", "current"),
    ("post", "/users/me/password", "new"),
]
each_field = pytest.mark.parametrize(("method", "path", "field"), FIELDS)
each_path = pytest.mark.parametrize(
    ("method", "path"), list(dict.fromkeys((method, path) for method, path, _field in FIELDS))
)


@pytest.fixture
def send(program, alice):
    client = program(alice)

    def ask(method, path, body, content_type="application/json"):
        return getattr(client, method)(path, body, content_type=content_type)

    return ask


@each_field
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", "\0"])
def test_surrogates_and_nul_are_refused(send, method, path, field, value):
    answer = send(method, path, json.dumps({field: value}))

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@each_field
@pytest.mark.parametrize("value", [5, True, None, [], {"a": "b"}])
def test_other_types_are_not_converted_to_text(send, method, path, field, value):
    answer = send(method, path, json.dumps({field: value}))

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@each_path
@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null", b"true"])
def test_body_must_be_one_object(send, method, path, body):
    answer = send(method, path, body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["non_field_errors"])


@each_path
def test_body_must_be_json_or_a_form(send, method, path):
    assert send(method, path, b"<a/>", "application/xml").status_code == 415
    assert send(method, path, b"{").status_code == 400
