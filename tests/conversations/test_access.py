"""A user who is not a member of a conversation cannot find out that it exists."""

from __future__ import annotations

import uuid

import pytest

ENDPOINTS = [
    ("get", "", None),
    ("patch", "", {"title": "Mine"}),
    ("patch", "/settings", {"pinned": True}),
    ("post", "/members", {"members": ["mallory"]}),
    ("patch", "/members/bob", {"role": "admin"}),
    ("delete", "/members/bob", None),
    ("delete", "/members/mallory", None),
    ("get", "/messages", None),
    ("post", "/messages", {"body": "hi"}),
    ("patch", "/messages/{message}", {"body": "ho"}),
    ("delete", "/messages/{message}", None),
    ("put", "/messages/{message}/reactions/👍", None),
    ("delete", "/messages/{message}/reactions/👍", None),
    ("get", "/messages/{message}/receipts", None),
    ("post", "/receipts", {"read_seq": 1}),
    ("get", "/changes?since=0", None),
]
each_endpoint = pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)


def ask(client, conversation_id, message, method, path, body):
    where = f"/conversations/{conversation_id}{path.format(message=message.id)}"
    return getattr(client, method)(where, body)


def seen_from_outside(answer):
    return answer.status_code, answer.content, answer.headers["Content-Type"]


@each_endpoint
def test_group_and_unknown_conversation_look_alike_to_a_stranger(
    program, mallory, alice, group, say, method, path, body
):
    message, client = say(alice, group), program(mallory)

    real = ask(client, group.id, message, method, path, body)
    unknown = ask(client, uuid.uuid4(), message, method, path, body)

    assert real.status_code == 404
    assert real.json() == {
        "type": "urn:chatflow:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "Not found.",
    }
    assert seen_from_outside(real) == seen_from_outside(unknown)


@each_endpoint
def test_group_and_unknown_conversation_look_alike_to_a_former_member(
    program, dave, alice, group, say, method, path, body
):
    message, client = say(alice, group), program(dave)

    real = ask(client, group.id, message, method, path, body)
    unknown = ask(client, uuid.uuid4(), message, method, path, body)

    assert real.status_code == 404
    assert seen_from_outside(real) == seen_from_outside(unknown)


@each_endpoint
def test_third_user_cannot_reach_a_direct_chat(
    program, carol, alice, direct, say, method, path, body
):
    message = say(alice, direct)

    assert ask(program(carol), direct.id, message, method, path, body).status_code == 404


@each_endpoint
def test_anonymous_client_is_asked_to_log_in(client, alice, direct, say, method, path, body):
    answer = ask(client, direct.id, say(alice, direct), method, path, None)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"


@each_endpoint
def test_malformed_request_of_a_stranger_is_not_found(
    program, mallory, alice, group, say, method, path, body
):
    where = f"/conversations/{group.id}{path.format(message=say(alice, group).id)}"

    answer = program(mallory).generic(method.upper(), where, b'{"', "application/json")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "/messages/{message}"),
        ("delete", "/messages/{message}"),
        ("put", "/messages/{message}/reactions/👍"),
        ("delete", "/messages/{message}/reactions/👍"),
        ("get", "/messages/{message}/receipts"),
    ],
)
def test_message_of_another_conversation_is_not_found(
    program, alice, direct, group, say, method, path
):
    elsewhere, client = say(alice, group), program(alice)

    real = ask(client, direct.id, elsewhere, method, path, {"body": "ho"})
    unknown = client.patch(f"/conversations/{direct.id}/messages/{uuid.uuid4()}", {"body": "ho"})

    assert real.status_code == 404
    assert real.json() == unknown.json()


def test_requests_of_a_stranger_change_nothing(program, mallory, alice, group, say):
    message, client = say(alice, group), program(mallory)
    before = program(alice).get(f"/conversations/{group.id}").json()

    for method, path, body in ENDPOINTS:
        ask(client, group.id, message, method, path, body)

    assert program(alice).get(f"/conversations/{group.id}").json() == before
