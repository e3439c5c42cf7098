"""Who is asking, in the browser: one query loads the living Login of the session and its user."""

from __future__ import annotations

import time
import uuid

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.functional import SimpleLazyObject

from accounts.authentication import find_login
from accounts.models import Login, User

SESSION_LOGIN = "login"
SESSION_RENEWED_AT = "renewed_at"
RENEWAL_SECONDS = 24 * 60 * 60


class LoginMiddleware(AuthenticationMiddleware):
    """Sets `request.login` and `request.user`, both looked up when first needed."""

    def process_request(self, request: HttpRequest) -> None:
        request.login = SimpleLazyObject(lambda: _login_of(request))  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def remember_login(request: HttpRequest, login: Login) -> None:
    """Binds the browser's session to the login."""
    request.session.flush()
    request.session[SESSION_LOGIN] = str(login.id)
    rotate_token(request)


def login_of_cookies(cookies: dict[str, str]) -> Login | None:
    """The same for a WebSocket handshake, which passes no middleware."""
    return _login_of_session(SessionStore(cookies.get(settings.SESSION_COOKIE_NAME)))


def _login_of(request: HttpRequest) -> Login | None:
    if not hasattr(request, "_login"):
        login = _login_of_session(request.session)
        if login:
            _renew(request.session)
        request._login = login  # type: ignore[attr-defined]
    known: Login | None = request._login  # type: ignore[attr-defined]
    return known


def _login_of_session(session: SessionBase) -> Login | None:
    login_id = session.get(SESSION_LOGIN)
    return find_login(uuid.UUID(login_id)) if login_id else None


def _renew(session: SessionBase) -> None:
    """Whoever comes back every month stays signed in: what changes is sent as a new cookie.

    Login.last_used_at cannot tell when that is due, for sockets renew it and set no cookie.
    """
    now = int(time.time())
    if now - session.get(SESSION_RENEWED_AT, 0) > RENEWAL_SECONDS:
        session[SESSION_RENEWED_AT] = now


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    login = _login_of(request)
    return login.user if login else AnonymousUser()
