"""Who is asking, over the API: a bearer token or the browser's session, both naming a Login."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Login, User
from accounts.tokens import login_id_of

LAST_USED_PRECISION = timedelta(minutes=5)


def find_login(login_id: uuid.UUID) -> Login | None:
    """The living login with its user, in one query; notes now and then that it is being used."""
    try:
        login = Login.objects.living().with_user().get(id=login_id)
    except Login.DoesNotExist:
        return None
    if timezone.now() - login.last_used_at > LAST_USED_PRECISION:
        Login.objects.filter(id=login_id).update(last_used_at=timezone.now())
    return login


def login_of_token(access: str) -> Login | None:
    """None for a token that is malformed, expired, or whose login is over."""
    try:
        return find_login(login_id_of(AccessToken(access)))  # type: ignore[arg-type]
    except TokenError:
        return None


def seconds_left(access: str) -> float:
    """How long a good token stays good."""
    return float(AccessToken(access)["exp"]) - timezone.now().timestamp()  # type: ignore[arg-type]


def asker(request: Request | HttpRequest) -> User:
    """Whoever is signed in; that somebody is, the door has seen to."""
    assert isinstance(request.user, User)
    return request.user


def login_of(request: Request) -> Login:
    """The login that the asker's credential names."""
    assert isinstance(request.auth, Login)
    return request.auth


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access>`; `request.auth` is the Login."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        login = login_of_token(token.strip())
        if login is None:
            raise exceptions.AuthenticationFailed(
                "The access token is not good any more.", code="bad_token"
            )
        return login.user, login

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserAuthentication(authentication.SessionAuthentication):
    """The session cookie, with CSRF; `request.auth` is the Login here, too."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        login = getattr(request._request, "login", None)
        if not login:
            return None
        self.enforce_csrf(request)
        return login.user, login
