"""What is not JSON, or not what was asked for, is a 400 that says so, and changes nothing."""

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
@pytest.mark.parametrize("junk", [b'{"', b"[]"])
def test_junk_is_refused(send, method, path, junk):
    answer = send(method, path, junk)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "Bad Request"


@pytest.mark.parametrize("junk", [b'"text"', b"null", b"5", b"NaN", b"\xff\xfe", b""])
def test_a_body_is_one_object(send, junk):
    assert send("post", "/conversations/{group}/messages", junk).status_code == 400


@each_write
def test_what_is_neither_json_nor_a_form_is_refused(send, method, path):
    assert send(method, path, b"<title>x</title>", "text/xml").status_code == 415


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("delete", "/conversations"),
        ("put", "/conversations/{group}"),
        ("get", "/conversations/{group}/members"),
        ("get", "/conversations/{group}/receipts"),
        ("post", "/conversations/{group}/changes"),
        ("post", "/conversations/{group}/messages/{message}/reactions/👍"),
    ],
)
def test_what_a_path_does_not_do_is_refused(send, method, path):
    answer = send(method, path, b"{}") if method != "get" else send(method, path, {})

    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/conversations/7", "/conversations/{group}/", "/conversations/"])
def test_what_is_no_path_of_ours_is_not_found(program, alice, group, path):
    answer = program(alice).get(path.format(group=group.id))

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
