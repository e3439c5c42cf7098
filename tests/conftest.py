"""Fixtures for all tests: users, conversations, clients and events.

alice and bob talk, carol administers, dave has left, mallory was never a member.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth.middleware import SESSION_LOGIN
from accounts.auth.tokens import token_pair
from accounts.models import Login, NameWord, User
from accounts.services import Device, open_login
from chatflow.errors import DomainError
from chatflow.limits.token_bucket import Limit, MemoryBuckets
from chatflow.live.events import Event
from conversations import services
from conversations.access import find_membership
from conversations.models import Conversation, Membership
from messaging.models import Message
from messaging.services import send_message

PASSWORD = "correct horse battery"
PROGRAM = Device(kind=Login.Kind.API, user_agent="tests", ip="127.0.0.1")
BROWSER = Device(kind=Login.Kind.BROWSER, user_agent="tests", ip="127.0.0.1")


@pytest.fixture(autouse=True)
def _quick_and_clean(settings, tmp_path) -> Iterator[None]:
    """Use a cheap password hash, a temporary upload directory and no limits."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.MEDIA_ROOT = tmp_path
    settings.THROTTLE_ON = False  # all requests come from one address; see `limited`
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def limited(settings, monkeypatch) -> None:
    """Enable the limits, with full buckets."""
    settings.THROTTLE_ON = True
    monkeypatch.setattr("chatflow.limits.token_bucket._local", MemoryBuckets())


@pytest.fixture
def few(limited, monkeypatch) -> Iterator[Callable[[Limit, int], None]]:
    """few(limits.WRITING, 3) lowers a limit to 3 an hour and refills all buckets."""
    usual: list[tuple[Limit, str, int]] = []

    def make(limit: Limit, at_once: int) -> None:
        for field, value in (("at_once", at_once), ("seconds", 3600)):
            usual.append((limit, field, getattr(limit, field)))
            object.__setattr__(limit, field, value)  # services have imported the object itself
        monkeypatch.setattr("chatflow.limits.token_bucket._local", MemoryBuckets())
        cache.clear()  # with Redis the buckets are in the cache

    yield make
    for limit, field, value in reversed(usual):
        object.__setattr__(limit, field, value)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> None:
    """Let writers wait longer for SQLite's lock, because tests start many on a busy machine."""
    if connections.databases["default"]["ENGINE"] == "chatflow.db.sqlite":
        connections.databases["default"]["OPTIONS"]["timeout"] = 60


@pytest.fixture
def person(db) -> Callable[..., User]:
    """person("erin") creates a user."""

    def make(username: str, **fields: object) -> User:
        fields.setdefault("display_name", username.title())
        return User.objects.create_user(username, f"{username}@example.org", PASSWORD, **fields)

    return make


@pytest.fixture
def alice(person) -> User:
    return person("alice")


@pytest.fixture
def bob(person) -> User:
    return person("bob")


@pytest.fixture
def carol(person) -> User:
    return person("carol")


@pytest.fixture
def dave(person) -> User:
    return person("dave")


@pytest.fixture
def mallory(person) -> User:
    return person("mallory")


@pytest.fixture
def moderator(person) -> User:
    """morgan, who is in the group of moderators that the migration creates."""
    morgan = person("morgan", is_staff=True)
    morgan.groups.add(Group.objects.get(name="Moderators"))
    return morgan


@pytest.fixture
def direct(alice, bob) -> Conversation:
    """The empty direct chat of alice and bob."""
    conversation, _is_new = services.start_direct(user=alice, username="bob")
    return conversation


@pytest.fixture
def group(alice, bob, carol, dave) -> Conversation:
    """“Garden”: alice owns it, carol administers, bob is in, dave has left."""
    conversation = services.start_group(
        user=alice, title="Garden", usernames=["bob", "carol", "dave"]
    )
    owner = find_membership(alice, conversation.id)
    services.change_role(membership=owner, username="carol", role=Membership.Role.ADMIN)
    services.leave(membership=find_membership(dave, conversation.id))
    conversation.refresh_from_db()
    return conversation


@pytest.fixture
def membership() -> Callable[[User, Conversation], Membership]:
    """membership(alice, group) is her membership of the group."""
    return lambda user, conversation: find_membership(user, conversation.id)


@pytest.fixture
def program() -> Callable[[User], APIClient]:
    """program(alice) is an API client with her token."""

    def make(user: User) -> APIClient:
        client = APIClient()
        client.login_row = open_login(user=user, device=PROGRAM)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_pair(client.login_row).access}")
        return client

    return make


@pytest.fixture
def browser() -> Callable[[User], Client]:
    """browser(alice) is a test client with her session cookie."""

    def make(user: User) -> Client:
        client = Client()
        session = client.session
        session[SESSION_LOGIN] = str(open_login(user=user, device=BROWSER).id)
        session.save()
        client.cookies["sessionid"] = session.session_key
        return client

    return make


@pytest.fixture
def crowd(db) -> Callable[[int], list[str]]:
    """crowd(255) creates that many users at once and returns their usernames."""

    def make(size: int) -> list[str]:
        present = User.objects.count()
        names = [f"person_{present + number}" for number in range(size)]
        people = User.objects.bulk_create(
            User(username=name, email=f"{name}@example.org", display_name=name) for name in names
        )
        NameWord.objects.index(people)
        return names

    return make


@pytest.fixture
def say() -> Callable[..., Message]:
    """say(alice, group, "hi") sends a message."""

    def send(user: User, conversation: Conversation, body: str = "hi", **kwargs: object) -> Message:
        right = find_membership(user, conversation.id)
        message, _is_new = send_message(membership=right, body=body, **kwargs)
        return message

    return send


@pytest.fixture
def announced(monkeypatch, django_capture_on_commit_callbacks):
    """`with announced() as events:` collects the events that the block publishes."""

    @contextmanager
    def gather() -> Iterator[list[Event]]:
        events: list[Event] = []
        monkeypatch.setattr("chatflow.live.publishing.publish", lambda *told: events.extend(told))
        with django_capture_on_commit_callbacks(execute=True):
            yield events

    return gather


@pytest.fixture
def costs(django_assert_num_queries, django_capture_on_commit_callbacks):
    """`with costs(7):` expects that many queries, including those after the commit."""

    @contextmanager
    def count(queries: int) -> Iterator[None]:
        with django_assert_num_queries(queries), django_capture_on_commit_callbacks(execute=True):
            yield

    return count


@pytest.fixture
def together() -> Callable[..., list[object]]:
    """together(act, act, …) calls functions at the same moment, each in its own thread.

    Each is called `times` in a row. The result holds return values and raised DomainErrors.
    """

    def run(*acts: Callable[[], object], times: int = 1) -> list[object]:
        start = threading.Barrier(len(acts))

        def one(act: Callable[[], object]) -> list[object]:
            start.wait(timeout=30)
            return [answer_of(act) for _ in range(times)]

        with ThreadPoolExecutor(len(acts)) as threads:
            return [answer for answers in threads.map(one, acts) for answer in answers]

    def answer_of(act: Callable[[], object]) -> object:
        try:
            return act()
        except DomainError as refusal:
            return refusal
        finally:
            connections.close_all()  # as at the end of a request

    return run
