"""Who may do what: every route and method, and every socket command, for every role.

The table is compared with the URL configuration, so an undeclared route, method or command fails.
What a user may not see answers as if it did not exist.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from PIL import Image
from rest_framework.test import APIClient
from rest_framework.views import APIView

from accounts.auth.tokens import token_pair
from accounts.models import Login, User
from accounts.services import change_avatar, open_login
from chatflow.limits import policy as limits
from chatflow.limits.policy import RateMeter
from conversations import services
from conversations.access import find_membership
from conversations.models import Conversation
from messaging.attachments.services import upload_attachment
from messaging.models import Attachment, Message
from messaging.sockets.commands import COMMANDS, run_frame
from tests.conftest import BROWSER, PASSWORD, PROGRAM

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Role(StrEnum):
    ANONYMOUS = "anonymous"
    STRANGER = "mallory"
    REMOVED = "dave"
    MEMBER = "bob"
    ADMIN = "carol"
    OWNER = "alice"
    STAFF = "grace"


class Answer(StrEnum):
    YES = "done"
    SIGN_IN = "asked to log in"
    UNKNOWN = "not found"
    FORBIDDEN = "forbidden"


Audience = Mapping[Role, Answer]

ANYONE: Audience = dict.fromkeys(Role, Answer.YES)
NOBODY: Audience = dict.fromkeys(Role, Answer.UNKNOWN)
SIGNED_IN: Audience = ANYONE | {Role.ANONYMOUS: Answer.SIGN_IN}
MEMBERS: Audience = SIGNED_IN | dict.fromkeys(
    (Role.STRANGER, Role.REMOVED, Role.STAFF), Answer.UNKNOWN
)
ADMINS: Audience = MEMBERS | {Role.MEMBER: Answer.FORBIDDEN}
SENDER: Audience = ADMINS | {Role.ADMIN: Answer.FORBIDDEN}  # the message is the owner's
REPORTERS: Audience = MEMBERS | {Role.OWNER: Answer.FORBIDDEN}  # the owner sent the message


@dataclass(frozen=True)
class Act:
    """The body of a request and the answer that each role gets."""

    audience: Audience
    body: dict[str, object] = field(default_factory=dict)


def by(audience: Audience, **body: object) -> Act:
    return Act(audience, body)


GROUP = "conversations/<uuid:conversation_id>"
MESSAGE = f"{GROUP}/messages/<uuid:message_id>"
ATTACHMENT = f"{GROUP}/attachments/<uuid:attachment_id>"
GROUP_PAGE = "chats/<uuid:conversation>"
MESSAGE_PAGE = f"{GROUP_PAGE}/messages/<uuid:message>"
ZOE = {"username": "zoe", "email": "zoe@example.org", "password": "a long enough one"}
NEW = "another long enough one"

ROUTES: dict[str, dict[str, Act]] = {
    # the API: accounts
    "auth/register": {"POST": by(ANYONE, **ZOE)},
    "auth/login": {"POST": by(ANYONE, login="alice", password=PASSWORD)},
    "auth/refresh": {"POST": by(ANYONE, refresh="<refresh>")},
    "auth/logout": {"POST": by(SIGNED_IN, refresh="<refresh>")},
    "auth/password-reset": {"POST": by(ANYONE, email="alice@example.org")},
    "auth/password-reset/confirm": {"POST": by(ANYONE, uid="<uid>", token="<token>", password=NEW)},
    "users": {"GET": by(SIGNED_IN, search="ali")},
    "users/me": {
        "GET": by(SIGNED_IN),
        "PATCH": by(SIGNED_IN, about="Here"),
        "DELETE": by(SIGNED_IN, password=PASSWORD),
    },
    "users/me/avatar": {"PUT": by(SIGNED_IN, file="<picture>"), "DELETE": by(SIGNED_IN)},
    "users/me/password": {"POST": by(SIGNED_IN, current=PASSWORD, new=NEW)},
    "users/me/export": {"POST": by(SIGNED_IN, password=PASSWORD)},
    "users/me/logins": {"GET": by(SIGNED_IN)},
    "users/me/logins/<uuid:login_id>": {"DELETE": by(SIGNED_IN)},
    "users/me/blocks": {"GET": by(SIGNED_IN)},
    "users/<str:username>/block": {"PUT": by(SIGNED_IN), "DELETE": by(SIGNED_IN)},
    "users/<str:username>": {"GET": by(SIGNED_IN)},
    "avatars/<slug:name>.webp": {"GET": by(SIGNED_IN)},
    # the API: conversations
    "conversations": {
        "GET": by(SIGNED_IN),
        "POST": by(SIGNED_IN, kind="direct", members=["erin"]),
    },
    GROUP: {"GET": by(MEMBERS), "PATCH": by(ADMINS, title="Orchard")},
    f"{GROUP}/settings": {"GET": by(MEMBERS), "PATCH": by(MEMBERS, pinned=True)},
    f"{GROUP}/members": {"GET": by(MEMBERS), "POST": by(ADMINS, members=["mallory"])},
    f"{GROUP}/members/<str:username>": {
        "PATCH": by(ADMINS, role="admin"),
        "DELETE": by(ADMINS),
    },
    # the API: messages
    "messages": {"GET": by(SIGNED_IN, q="hello")},
    f"{GROUP}/messages": {"GET": by(MEMBERS), "POST": by(MEMBERS, body="Hello")},
    MESSAGE: {
        "GET": by(MEMBERS),
        "PATCH": by(SENDER, body="Hullo"),
        "DELETE": by(ADMINS),
    },
    f"{MESSAGE}/reactions/<str:emoji>": {"PUT": by(MEMBERS), "DELETE": by(MEMBERS)},
    f"{MESSAGE}/receipts": {"GET": by(MEMBERS)},
    f"{MESSAGE}/report": {"POST": by(REPORTERS, reason="spam")},
    "users/<str:username>/report": {"POST": by(SIGNED_IN, reason="spam")},
    f"{GROUP}/attachments": {"POST": by(MEMBERS, file="<picture>")},
    ATTACHMENT: {"GET": by(MEMBERS)},
    f"{ATTACHMENT}/thumbnail": {"GET": by(MEMBERS)},
    f"{ATTACHMENT}/preview": {"GET": by(MEMBERS)},
    f"{GROUP}/receipts": {"POST": by(MEMBERS, read_seq=1)},
    f"{GROUP}/changes": {"GET": by(MEMBERS, since=0)},
    # pages: accounts
    "login": {
        "GET": by(ANYONE),
        "POST": by(ANYONE, login="alice", password=PASSWORD),
    },
    "logout": {"GET": by(SIGNED_IN), "POST": by(SIGNED_IN)},
    "register": {"GET": by(ANYONE), "POST": by(ANYONE, **ZOE)},
    "password-reset": {"GET": by(ANYONE), "POST": by(ANYONE, email="alice@example.org")},
    "password-reset/new": {
        "GET": by(ANYONE, uid="<uid>", token="<token>"),
        "POST": by(ANYONE, password=NEW),
    },
    "people": {"GET": by(SIGNED_IN, search="ali")},
    "settings": {"GET": by(SIGNED_IN)},
    "settings/profile": {"POST": by(SIGNED_IN, display_name="Me", about="")},
    "settings/avatar": {"POST": by(SIGNED_IN, file="<picture>")},
    "settings/avatar/remove": {"POST": by(SIGNED_IN)},
    "settings/password": {"POST": by(SIGNED_IN, current=PASSWORD, new=NEW)},
    "settings/logins/<uuid:login>/end": {"POST": by(SIGNED_IN)},
    "settings/appearance": {"POST": by(SIGNED_IN, theme="dark")},
    "settings/language": {method: by(ANYONE, language="de") for method in METHODS},  # Django's own
    "settings/privacy": {"POST": by(SIGNED_IN, last_seen_to="nobody")},
    "settings/blocks/<str:username>": {"POST": by(SIGNED_IN)},
    "settings/blocks/<str:username>/lift": {"POST": by(SIGNED_IN)},
    "settings/export": {"POST": by(SIGNED_IN, **{"export-password": PASSWORD})},
    "settings/delete": {"POST": by(SIGNED_IN, password=PASSWORD)},
    "shortcuts": {"GET": by(SIGNED_IN)},
    # pages: conversations
    "": {"GET": by(SIGNED_IN)},
    "chats/new": {"GET": by(SIGNED_IN), "POST": by(SIGNED_IN, member="erin")},
    "chats/unread": {"GET": by(SIGNED_IN)},
    "chats/new/group": {
        "GET": by(SIGNED_IN),
        "POST": by(SIGNED_IN, title="Trip", members=["erin", "frank"]),
    },
    f"{GROUP_PAGE}/row": {"GET": by(MEMBERS)},
    f"{GROUP_PAGE}/bar": {"GET": by(MEMBERS)},
    f"{GROUP_PAGE}/draft": {"POST": by(MEMBERS, text="Dear")},
    f"{GROUP_PAGE}/settings": {"POST": by(MEMBERS, pinned="1")},
    f"{GROUP_PAGE}/info": {"GET": by(MEMBERS)},
    f"{GROUP_PAGE}/rename": {"POST": by(ADMINS, title="Orchard")},
    f"{GROUP_PAGE}/members": {"POST": by(ADMINS, members=["mallory"])},
    f"{GROUP_PAGE}/members/<str:username>/role": {"POST": by(ADMINS, role="admin")},
    f"{GROUP_PAGE}/members/<str:username>/remove": {"GET": by(ADMINS), "POST": by(ADMINS)},
    # pages: messages
    "search": {"GET": by(SIGNED_IN, q="hello")},
    GROUP_PAGE: {"GET": by(MEMBERS)},
    f"{GROUP_PAGE}/messages": {"GET": by(MEMBERS), "POST": by(MEMBERS, body="Hello")},
    f"{GROUP_PAGE}/changes": {"GET": by(MEMBERS, since=0)},
    f"{GROUP_PAGE}/media": {"GET": by(MEMBERS)},
    f"{MESSAGE_PAGE}/menu": {"GET": by(MEMBERS)},
    f"{MESSAGE_PAGE}/info": {"GET": by(MEMBERS)},
    f"{MESSAGE_PAGE}/edit": {"GET": by(SENDER), "POST": by(SENDER, body="Hullo")},
    f"{MESSAGE_PAGE}/delete": {"GET": by(MEMBERS), "POST": by(ADMINS)},
    f"{MESSAGE_PAGE}/reactions": {"POST": by(MEMBERS, emoji="👍")},
    f"{MESSAGE_PAGE}/reactions/withdraw": {"POST": by(MEMBERS, emoji="👍")},
    f"{MESSAGE_PAGE}/report": {
        "GET": by(REPORTERS),
        "POST": by(REPORTERS, reason="spam"),
    },
    f"{GROUP_PAGE}/members/<str:username>/report": {
        "GET": by(MEMBERS),
        "POST": by(MEMBERS, reason="spam"),
    },
    # about the server
    "schema": {"GET": by(ANYONE)},
    "docs": {"GET": by(ANYONE)},
    "manifest.webmanifest": {"GET": by(ANYONE)},
    "healthz": {"GET": by(ANYONE)},
    "readyz": {"GET": by(ANYONE)},
    "metrics": {"GET": by(NOBODY)},  # needs METRICS_TOKEN
}

COMMAND_AUDIENCES: dict[str, Act] = {
    "message.send": by(MEMBERS, id=str(uuid.UUID(int=1)), body="Hello"),
    "receipt": by(MEMBERS, read_seq=1),
    "typing": by(MEMBERS, active=True),
    "changes": by(MEMBERS, since=0),
    "watch": by(SIGNED_IN, users=["alice"]),
    "ping": by(SIGNED_IN),
}

CASES = [(route, method, act) for route, acts in ROUTES.items() for method, act in acts.items()]
each_case = pytest.mark.parametrize(
    ("route", "method", "act"), CASES, ids=[f"{method} /{route}" for route, method, _act in CASES]
)


# --- Scenario ------------------------------------------------------------------------------------


@dataclass
class Scenario:
    """A group with a message and a photo by alice, and clients of every role."""

    people: dict[str, User]
    group: Conversation
    message: Message
    avatar: str
    attachment: Attachment

    def try_request(self, role: Role, *asked: object, **how: bool) -> HttpResponse:
        """Send a request, roll back its effects and return the response."""
        with transaction.atomic():
            answer = self.send_request(role, *asked, **how)
            transaction.set_rollback(True)
        return answer

    def send_request(
        self, role: Role, method: str, route: str, act: Act, *, elsewhere: bool = False
    ) -> HttpResponse:
        """Send a request; with `elsewhere`, for a conversation that does not exist."""
        return self.prepare_request(role, method, route, act, elsewhere=elsewhere)()

    def prepare_request(
        self, role: Role, method: str, route: str, act: Act, *, elsewhere: bool = False
    ) -> Callable[[], HttpResponse]:
        """Return a function that sends the prepared request."""
        is_api = issubclass(getattr(views()[route], "cls", object), APIView)
        login = self._login(role, is_api=is_api)
        client = self._client(login, is_api=is_api)
        path = f"/{self.path_of(route, login, elsewhere=elsewhere)}"
        body = {name: self._filled(value, login) for name, value in act.body.items()}
        how = {}
        if is_api and method != "GET":
            how = {"format": "multipart" if "file" in body else "json"}
        return partial(getattr(client, method.lower()), path, body, **how)

    def _login(self, role: Role, *, is_api: bool) -> Login | None:
        device = PROGRAM if is_api else BROWSER
        return open_login(user=self.people[role], device=device) if role in self.people else None

    def _client(self, login: Login | None, *, is_api: bool) -> Client:
        client = APIClient() if is_api else Client()
        if login and is_api:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_pair(login).access}")
        elif login:
            sign_in(client, login)
        return client

    def path_of(self, route: str, login: Login | None, *, elsewhere: bool) -> str:
        group = uuid.uuid4() if elsewhere else self.group.id
        login_id = login.id if login else uuid.uuid4()
        filled = {
            **dict.fromkeys(("conversation_id", "conversation"), group),
            **dict.fromkeys(("message_id", "message"), self.message.id),
            **dict.fromkeys(("login_id", "login"), login_id),
            "user": self.people["alice"].id,
            "username": "erin",
            "emoji": "👍",
            "name": self.avatar,
            "attachment_id": self.attachment.id,
        }
        for name, value in filled.items():
            for converter in ("uuid", "str", "slug"):
                route = route.replace(f"<{converter}:{name}>", str(value))
        return route

    def _filled(self, value: object, login: Login | None) -> object:
        if value == "<refresh>":
            login = login or open_login(user=self.people["alice"], device=PROGRAM)
            return token_pair(login).refresh
        alice = self.people["alice"]
        mailed = {"<uid>": str(alice.id), "<token>": default_token_generator.make_token(alice)}
        return picture() if value == "<picture>" else mailed.get(str(value), value)


def picture() -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return SimpleUploadedFile("me.png", file.getvalue(), "image/png")


def sign_in(client: Client, login: Login) -> None:
    session = client.session
    session["login"] = str(login.id)
    session.save()
    client.cookies["sessionid"] = session.session_key


@pytest.fixture
def scenario(alice, bob, carol, dave, mallory, group, person, say) -> Scenario:
    """The group “Garden” with erin and frank as further members; grace is staff."""
    people = {user.username: user for user in (alice, bob, carol, dave, mallory)}
    people |= {"grace": person("grace", is_staff=True)}
    for name in ("erin", "frank"):
        person(name)
    services.add_members(membership=find_membership(alice, group.id), usernames=["erin", "frank"])
    avatar = Path(change_avatar(user=alice, image=picture()).avatar.name)
    attachment = upload_attachment(membership=find_membership(alice, group.id), file=picture())
    say(alice, group, attachments=[attachment.id])
    message = say(alice, group, "Hello")
    return Scenario(people, group, message, avatar.name.removesuffix(".webp"), attachment)


def views() -> dict[str, object]:
    """Return every route and its view, except those of the admin, which has its own test."""
    return dict(_views(get_resolver().url_patterns))


def _views(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if route.startswith("admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def answer_of(response: HttpResponse) -> Answer | int:
    is_sent_to_sign_in = response.status_code == 302 and response["Location"].startswith("/login?")
    if response.status_code == 401 or is_sent_to_sign_in:
        return Answer.SIGN_IN
    known = {403: Answer.FORBIDDEN, 404: Answer.UNKNOWN}
    is_done = response.status_code < 400
    return Answer.YES if is_done else known.get(response.status_code, response.status_code)


# --- Routes --------------------------------------------------------------------------------------


def test_every_route_is_declared():
    assert views().keys() == ROUTES.keys()


@each_case
def test_roles_get_the_declared_answers(scenario, route, method, act):
    assert {
        role: answer_of(scenario.try_request(role, method, route, act)) for role in Role
    } == act.audience


@pytest.mark.parametrize("route", ROUTES)
def test_other_methods_are_not_allowed(scenario, route):
    others = [method for method in METHODS if method not in ROUTES[route]]

    answers = {
        m: scenario.try_request(Role.OWNER, m, route, by(NOBODY)).status_code for m in others
    }

    expected = 404 if ROUTES[route].get("GET") == by(NOBODY) else 405
    assert answers == dict.fromkeys(others, expected)


OF_A_GROUP = [case for case in CASES if "conversation" in case[0] and case[2].audience != SIGNED_IN]


@pytest.mark.parametrize(
    ("route", "method", "act"),
    OF_A_GROUP,
    ids=[f"{method} /{route}" for route, method, _act in OF_A_GROUP],
)
def test_hidden_object_looks_like_an_unknown_one(scenario, route, method, act):
    for role in (Role.STRANGER, Role.REMOVED, Role.STAFF):
        real = scenario.try_request(role, method, route, act)
        unknown = scenario.try_request(role, method, route, act, elsewhere=True)

        assert (real.status_code, without_token(real)) == (
            404,
            without_token(unknown),
        )


def without_token(response: HttpResponse) -> str:
    """Return the content without the CSRF token, which differs in every form."""
    token = response.cookies.get("csrftoken")
    return response.content.decode().replace(token.value if token else "\0", "")


@pytest.mark.parametrize(
    "route", [route for route, acts in ROUTES.items() if acts.keys() & {"POST"}]
)
def test_post_without_a_csrf_token_is_refused(scenario, route):
    client = Client(enforce_csrf_checks=True)
    login = open_login(user=scenario.people["alice"], device=BROWSER)
    sign_in(client, login)

    answer = client.post(
        f"/{scenario.path_of(route, login, elsewhere=False)}", ROUTES[route]["POST"].body
    )

    is_for_programs = route.startswith("auth/") and route != "auth/logout"
    is_led_on = route in ("login", "register") and answer["Location"] == f"/{route}"
    assert is_for_programs or is_led_on or answer.status_code == 403


# --- Limits --------------------------------------------------------------------------------------

WITHOUT_LIMIT = {"settings/appearance", "settings/language"}  # they only set a cookie
UNSAFE = [case for case in CASES if case[1] != "GET" and case[0] not in WITHOUT_LIMIT]


class EmptyBuckets:
    """Token buckets that are always empty."""

    def take(self, key: str, limit: limits.Limit) -> float:
        return 1.0


@pytest.mark.parametrize(
    ("route", "method", "act"), UNSAFE, ids=[f"{method} /{route}" for route, method, _act in UNSAFE]
)
def test_every_writing_request_is_rate_limited(scenario, settings, monkeypatch, route, method, act):
    role = Role.MEMBER if act.audience == REPORTERS else Role.OWNER
    ask = scenario.prepare_request(role, method, route, act)
    is_for_guests = route in ("login", "register")
    if is_for_guests:
        ask = scenario.prepare_request(Role.ANONYMOUS, method, route, act)
    if route == "password-reset/new":
        link = {name: scenario._filled(f"<{name}>", None) for name in ("uid", "token")}
        client = Client()
        client.get("/password-reset/new", link)
        ask = partial(client.post, "/password-reset/new", act.body)
    settings.THROTTLE_ON = True
    monkeypatch.setattr("chatflow.limits.policy.buckets", EmptyBuckets)

    assert ask().status_code == 429


# --- Socket commands -----------------------------------------------------------------------------


def test_every_command_is_declared():
    assert COMMANDS.keys() == COMMAND_AUDIENCES.keys()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ANONYMOUS])
@pytest.mark.parametrize("command", COMMAND_AUDIENCES)
def test_roles_get_the_declared_answers_to_commands(scenario, command, role):
    act = COMMAND_AUDIENCES[command]
    frame = {"type": command, "ref": 1, "conversation": str(scenario.group.id)} | act.body
    elsewhere = frame | {"conversation": str(uuid.uuid4())}

    pace = RateMeter(limits.FRAMES)

    [answer] = run_frame(scenario.people[role], json.dumps(frame), pace)

    if act.audience[role] == Answer.UNKNOWN:
        assert (answer["type"], answer["status"]) == ("error", 404)
        assert [answer] == run_frame(scenario.people[role], json.dumps(elsewhere), pace)
    else:
        assert answer["type"] == "ack"


# --- Admin ---------------------------------------------------------------------------------------


def admin_paths() -> list[str]:
    resolver = next(p for p in get_resolver().url_patterns if str(p.pattern) == "admin/")
    return [f"/admin/{path}" for path in _admin_paths(resolver.url_patterns)]


def _admin_paths(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _admin_paths(pattern.url_patterns, route)
        elif not route.startswith(("^", "(?P")):
            yield route.replace("<path:object_id>", str(uuid.UUID(int=0)))


@pytest.mark.parametrize("role", [role for role in Role if role != Role.STAFF])
def test_only_staff_can_open_the_admin(scenario, role):
    client = Client()
    if role in scenario.people:
        sign_in(client, open_login(user=scenario.people[role], device=BROWSER))

    assert {path: can_open(client, path) for path in admin_paths()} == dict.fromkeys(
        admin_paths(), False
    )


def can_open(client: Client, path: str) -> bool:
    answer = client.get(path, follow=True)
    arrived_at = answer.redirect_chain[-1][0] if answer.redirect_chain else path
    return answer.status_code < 400 and arrived_at.startswith("/admin/")
