"""Sessions of browsers: each stores the id of a login, which pages and sockets look up.

The middleware also refuses requests from pages that were rendered for another user.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.auth.authentication import find_login
from accounts.models import Login, User
from chatflow.errors import error_response

PAGE_USER_HEADER = "X-ChatFlow-User"
PAGE_USER_PARAMETER = "page_user"
SESSION_LOGIN = "login"
SESSION_RENEWED_AT = "renewed_at"
RENEWAL_SECONDS = 24 * 60 * 60


class LoginMiddleware(AuthenticationMiddleware):
    """Set `request.login` and `request.user`, which are looked up when they are first used."""

    def process_request(self, request: HttpRequest) -> None:
        request.login = SimpleLazyObject(lambda: _login_of(request))  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


class PageUserMiddleware:
    """Refuse requests from a page that was rendered for another user.

    A tab that was suspended while the browser logged in as another user would otherwise act as that
    user. Scripts send the user id of their page in a header, plain forms in their action.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page_user = request.headers.get(PAGE_USER_HEADER) or request.GET.get(PAGE_USER_PARAMETER)
        if page_user and request.user.is_authenticated and page_user != str(request.user.pk):
            return self._refuse(request)
        return self.get_response(request)

    def _refuse(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the login page.

        Scripts receive 409 and the URL, with the page to return to as `next`.
        """
        if PAGE_USER_HEADER not in request.headers:
            return redirect("login")
        detail = _("This browser is now logged in to another account. Reload the page.")
        response = error_response(request, HTTPStatus.CONFLICT, detail)
        page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        response["HX-Redirect"] = f"{reverse('login')}?{urlencode({'next': page})}"
        return response


def remember_login(request: HttpRequest, login: Login, *, is_same_user: bool) -> None:
    """Start a new session for the login.

    If the same user logged in to this browser before, the CSRF token is kept, so that pages which
    are still open stay usable.
    """
    request.session.flush()
    request.session[SESSION_LOGIN] = str(login.id)
    if not is_same_user:
        rotate_token(request)


def login_of_cookies(cookies: dict[str, str]) -> Login | None:
    """Return the login of a WebSocket handshake, which passes through no middleware."""
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
    """Change the session once a day, so that its cookie is sent again and does not expire.

    `Login.last_used_at` does not show when this is due, because sockets update it as well and
    cannot set a cookie.
    """
    now = int(time.time())
    if now - session.get(SESSION_RENEWED_AT, 0) > RENEWAL_SECONDS:
        session[SESSION_RENEWED_AT] = now


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    login = _login_of(request)
    return login.user if login else AnonymousUser()
