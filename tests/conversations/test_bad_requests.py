"""Malformed requests: all endpoints answer them with a problem."""

from __future__ import annotations

import pytest

WRITES = [
    ("post", "/conversations"),
    ("patch", "/conversations/{group}"),
    ("patch", "/conversations/{group}/settings"),
    ("post", "/conversations/{group}/members"),
    ("patch", "/conversations/{group}/members/bob"),
    ("post", "/conversations/{group}/messages"),
    ("patch", "/conversations/{group}/messages/{message}"),
    ("post", "/conversations/{group}/receipts"),
]
each_write = pytest.mark.parametrize(("method", "path"), WRITES)


@pytest.fixture
def send(program, alice, group, say):
    client, message = program(alice), say(alice, group)

    def ask(method, path, content, content_type="application/json"):
        where = path.format(group=group.id, message=message.id)
        return getattr(client, method)(where, content, content_type=content_type)

    return ask


@each_write
@pytest.mark.parametrize("body", [b'{"', b"[]"])
def test_malformed_json_and_arrays_are_refused(send, method, path, body):
    answer = send(method, path, body)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Bad Request"


@pytest.mark.parametrize("body", [b'"text"', b"null", b"5", b"NaN", b"\xff\xfe", b""])
def test_body_that_is_not_an_object_is_refused(send, body):
    assert send("post", "/conversations/{group}/messages", body).status_code == 400


@each_write
def test_unsupported_media_type_is_refused(send, method, path):
    assert send(method, path, b"<title>x</title>", "text/xml").status_code == 415


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("delete", "/conversations"),
        ("put", "/conversations/{group}"),
        ("put", "/conversations/{group}/members"),
        ("get", "/conversations/{group}/receipts"),
        ("post", "/conversations/{group}/changes"),
        ("post", "/conversations/{group}/messages/{message}/reactions/👍"),
    ],
)
def test_unsupported_method_is_refused(send, method, path):
    answer = send(method, path, b"{}") if method != "get" else send(method, path, {})

    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/conversations/7", "/conversations/{group}/", "/conversations/"])
def test_unknown_path_is_not_found(program, alice, group, path):
    answer = program(alice).get(path.format(group=group.id))

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
