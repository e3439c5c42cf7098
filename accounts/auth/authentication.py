"""Finds out which user and login a request belongs to, by bearer token or by session.

DRF calls the two authentication classes, WebSocket handshakes call `login_until_expiry`, and views
read the result with `current_user`, `login_of` and `device_of`.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import DateTimeField, UUIDField
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth.tokens import login_id_of
from accounts.models import Login, User
from accounts.querysets import idle_limit
from accounts.services import Device
from chatflow.db.prepared import PreparedQuery

LAST_USED_PRECISION = timedelta(minutes=5)


_active_login = PreparedQuery(
    lambda login_id, idle_since: (
        Login.objects.active(idle_since=idle_since).with_user().filter(id=login_id)
    ),
    login_id=UUIDField(),
    idle_since=DateTimeField(),
)


def find_login(login_id: uuid.UUID) -> Login | None:
    """Return the active login with its user, in one query, and sometimes update `last_used_at`."""
    login = _active_login.first(login_id=login_id, idle_since=idle_limit())
    if login and timezone.now() - login.last_used_at > LAST_USED_PRECISION:
        Login.objects.filter(id=login_id).update(last_used_at=timezone.now())
    return login


def login_of_token(access: str) -> Login | None:
    """Return the login of a valid access token, or None if it is invalid, expired or revoked."""
    login, _seconds = login_until_expiry(access)
    return login


def login_until_expiry(access: str) -> tuple[Login | None, float]:
    """Return the login of `login_of_token`, and the seconds until the token expires."""
    try:
        token = AccessToken(access)  # type: ignore[arg-type]
        login = find_login(login_id_of(token))
    except TokenError:
        return None, 0
    return login, float(token["exp"]) - timezone.now().timestamp()


def current_user(request: Request | HttpRequest) -> User:
    """Return the user of a request whose view requires a login."""
    assert isinstance(request.user, User)
    return request.user


def login_of(request: Request) -> Login:
    """Return the login of an API request whose view requires one."""
    assert isinstance(request.auth, Login)
    return request.auth


def device_of(request: Request | HttpRequest) -> Device:
    """Return the device that sent the request. Device cookies are read only on pages."""
    is_api = isinstance(request, Request)
    return Device(
        kind=Login.Kind.API if is_api else Login.Kind.BROWSER,
        user_agent=request.headers.get("User-Agent", ""),
        ip=request.META.get("REMOTE_ADDR", ""),
        device_cookie="" if is_api else request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""),
    )


class BearerAuthentication(authentication.BaseAuthentication):
    """Authenticate by `Authorization: Bearer <access>`; `request.auth` is the Login."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        login = login_of_token(token.strip())
        if login is None:
            raise exceptions.AuthenticationFailed(
                "The access token is invalid or has expired.", code="bad_token"
            )
        return login.user, login

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserAuthentication(authentication.SessionAuthentication):
    """Authenticate by the session cookie, with CSRF; `request.auth` is the Login."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        login = getattr(request._request, "login", None)
        if not login:
            return None
        self.enforce_csrf(request)
        return login.user, login
